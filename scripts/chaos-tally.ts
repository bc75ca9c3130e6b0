/** Chance that can be had again. */
export interface Chance {
  /** From 0 up to 1, without it. */
  next(): number
  /** A whole number from `least` to `most`. */
  between(least: number, most: number): number
  pick<T>(values: readonly [T, ...T[]] | readonly T[]): T
  shuffled<T>(values: readonly T[]): T[]
}

/** The same numbers for the same seed (mulberry32). */
export function createChance(seed: number): Chance {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  const between = (least: number, most: number) => least + Math.floor(next() * (most - least + 1))
  return {
    next,
    between,
    pick: (values) => values[between(0, values.length - 1)] as (typeof values)[number],
    shuffled(values) {
      const mixed = [...values]
      for (let last = mixed.length - 1; last > 0; last--) {
        const other = between(0, last)
        ;[mixed[last], mixed[other]] = [mixed[other], mixed[last]] as [never, never]
      }
      return mixed
    },
  }
}

/** What one kind of faults is given, and where it counts. */
export interface Chaos {
  chance: Chance
  /** For every change, in well under a minute for all kinds together. */
  short: boolean
  /** False when this kind has had its time, or this share of it: what is left is left out. */
  hasTime(share?: number): boolean
  tally: Tally
}

export interface Tally {
  injected: number
  survived: number
  /** What was lost, each in words. */
  lost: readonly string[]
  notes: readonly string[]
  note(text: string): void
  /** Counts one fault; what the judge throws is why it was not survived. */
  inject(name: string, judge: () => Promise<void>): Promise<void>
  /** Counts faults that were judged together. */
  count(faults: number, losses: readonly string[]): void
}

export function createTally(): Tally {
  const [lost, notes]: [string[], string[]] = [[], []]
  const tally: Tally = {
    injected: 0,
    survived: 0,
    lost,
    notes,
    note: (text) => void notes.push(text),
    async inject(name, judge) {
      try {
        await judge()
        tally.count(1, [])
      } catch (error) {
        tally.count(1, [`${name}: ${error instanceof Error ? error.message : error}`])
      }
    },
    count(faults, losses) {
      tally.injected += faults
      tally.survived += Math.max(0, faults - losses.length)
      lost.push(...losses)
    },
  }
  return tally
}

/** @throws Error when it does not hold */
export function need(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new Error(otherwise)
}
