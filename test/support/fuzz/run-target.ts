import fc from 'fast-check'
import type { FuzzTarget } from './target.ts'

export interface FuzzOutcome {
  cases: number
  /** The smallest case found that goes wrong, and what is wrong with it. */
  fault?: { case: unknown; error: string }
}

export interface FuzzOptions {
  seed: number
  runs: number
  /** Told before each case. */
  onCase?: (one: unknown) => void
}

const LIMIT_MS = 1_000

/** Runs a target on cases made from the seed, until one goes wrong. */
export async function runTarget(target: FuzzTarget, { seed, runs, onCase }: FuzzOptions): Promise<FuzzOutcome> {
  const property = fc.asyncProperty(target.cases, async (one) => {
    onCase?.(one)
    await checkCase(target, one)
  })
  const numRuns = Math.max(1, Math.round(runs * (target.share ?? 1)))
  const found = await fc.check(property, { seed, numRuns })
  const cases = found.numRuns
  if (!found.failed) return { cases }
  return { cases, fault: { case: found.counterexample?.[0], error: wordsOf(found.errorInstance) } }
}

/** One case, and that it did not take long: of the processor, because others may use it too. */
export async function checkCase({ check, limitMs = LIMIT_MS }: FuzzTarget, one: unknown): Promise<void> {
  const before = process.cpuUsage()
  await check(one as never)
  const { user, system } = process.cpuUsage(before)
  const tookMs = (user + system) / 1000
  if (tookMs > limitMs) throw new Error(`It took ${Math.round(tookMs)} ms of the processor.`)
}

export function wordsOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
