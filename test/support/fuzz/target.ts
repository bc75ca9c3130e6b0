import type { Arbitrary } from 'fast-check'

/** Something that reads what others have written, what it is given, and what must hold whatever that is. */
export interface FuzzTarget<Case = never> {
  name: string
  /** Plain JSON, so that a case can be kept. */
  cases: Arbitrary<unknown>
  /** Throws where something does not hold. */
  check(one: Case): void | Promise<void>
  /** How many of the runs it gets, where one case takes long; all of them unless told. */
  share?: number
  /** How much of the processor one case may take, in milliseconds. */
  limitMs?: number
}

/** A target whose `check` has the type that its cases have. */
export function target<Case>(
  parts: Omit<FuzzTarget, 'cases' | 'check'> & {
    cases: Arbitrary<Case>
    check(one: Case): void | Promise<void>
  },
): FuzzTarget {
  return parts
}
