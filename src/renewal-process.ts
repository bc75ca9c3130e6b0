import type { Readable } from 'node:stream'
import type { App } from './app.ts'
import { startDetached } from './infrastructure/detached-program.ts'
import { type RenewalJob, type RenewalResult, readJob, readResult, resultLine } from './services/login/renewal-job.ts'

/** What this program is started with as a renewal worker. Not for people. */
export const RENEWAL_ARGUMENT = '--renew-for-another'

/** What a worker is given on its standard input. */
export interface WorkerInput {
  /** Undefined where it is from another version of this program, or from nobody. */
  job: RenewalJob | undefined
  /** That of the store: no environment may show it. */
  passphrase: string | undefined
}

export interface StartDeps extends Pick<WorkerInput, 'passphrase'> {
  /** How this very program is started. */
  start: { execPath: string; execArgv: readonly string[]; entry: string }
}

export interface WorkerDeps {
  app: Pick<App, 'runJob'>
  work: WorkerInput
  output: { write(text: string): unknown; on(event: 'error', handler: () => void): unknown }
  exit: (code: number) => void
}

/**
 * The longest life of a worker. Everything it does has a limit of its own, a minute all together; only what is renewed
 * and finds no room on the disk is kept for longer.
 */
const LIFE_MS = 3_600_000

/** Has a job done by a worker of its own. Undefined: there is none, or it ended without a word. Never rejects. */
export async function startWorker(
  job: RenewalJob,
  { start, passphrase }: StartDeps,
): Promise<RenewalResult | undefined> {
  // Two processes cannot be debugged over one port.
  const options = start.execArgv.filter((option) => !option.startsWith('--inspect'))
  const input = JSON.stringify({ job, passphrase })
  return readResult(await startDetached(start.execPath, [...options, start.entry, RENEWAL_ARGUMENT], { input }))
}

/** A job is a few hundred bytes, written at once by whoever has started this; a passphrase may be long. */
const INPUT_LIMIT = { bytes: 1_048_576, ms: 10_000 }

/** What this process was given on standard input, if it comes soon and is not far too much. Never rejects. */
export async function readWorkerInput(input: Readable, limit = INPUT_LIMIT): Promise<WorkerInput> {
  const timer = setTimeout(() => input.destroy(new Error('Too slow.')), limit.ms)
  try {
    const pieces: Buffer[] = []
    let bytes = 0
    for await (const piece of input) {
      pieces.push(piece as Buffer)
      bytes += piece.length
      if (bytes > limit.bytes) throw new Error('Too long.')
    }
    const { job, passphrase } = Object(JSON.parse(Buffer.concat(pieces).toString('utf8')))
    return { job: readJob(job), passphrase: typeof passphrase === 'string' ? passphrase : undefined }
  } catch {
    return { job: undefined, passphrase: undefined }
  } finally {
    clearTimeout(timer)
  }
}

/**
 * Does the job that this process was started for and writes the result as one line. The process ends when nothing is left
 * to do, such as storing what could not be stored yet.
 */
export async function runWorker({ app, work, output, exit }: WorkerDeps): Promise<void> {
  // Whoever delegated may be gone.
  output.on('error', () => {})
  if (work.job === undefined) return exit(1)
  setTimeout(() => exit(0), LIFE_MS).unref()
  output.write(`${resultLine(await app.runJob(work.job))}\n`)
}
