import type { Readable } from 'node:stream'
import type { App } from './app.ts'
import { startDetached } from './infrastructure/detached-program.ts'
import { type RenewalOrder, type RenewalReport, readOrder, readReport, reportLine } from './services/renewal-order.ts'

/** What this program is started with to renew a login for another of its processes. Not for people. */
export const RENEWAL_ARGUMENT = '--renew-for-another'

/** What such a process is given. */
export interface Handed {
  /** Undefined where it is from another version of this program, or from nobody. */
  order: RenewalOrder | undefined
  /** Settings that no environment may show. */
  secrets: Readonly<Record<string, string>>
}

export interface HandOverDeps {
  /** How this very program is started. */
  start: { execPath: string; execArgv: readonly string[]; entry: string }
  /** That of the store. */
  passphrase: string | undefined
}

export interface RenewalDeps {
  app: Pick<App, 'takeOver'>
  handed: Handed
  output: { write(text: string): unknown; on(event: 'error', handler: () => void): unknown }
  exit: (code: number) => void
}

/**
 * The longest life of such a process. Everything it does has a limit of its own, a minute all together; only what is
 * renewed and finds no room on the disk is kept for longer.
 */
const LIFE_MS = 3_600_000

/** Has a renewal done by a process of its own. Undefined: there is none, or it ended without a word. Never rejects. */
export async function handOver(
  order: RenewalOrder,
  { start, passphrase }: HandOverDeps,
): Promise<RenewalReport | undefined> {
  // Two processes cannot be debugged over one port.
  const options = start.execArgv.filter((option) => !option.startsWith('--inspect'))
  const secrets = passphrase === undefined ? {} : { [PASSPHRASE]: passphrase }
  const input = JSON.stringify({ order, secrets })
  return readReport(await startDetached(start.execPath, [...options, start.entry, RENEWAL_ARGUMENT], { input }))
}

/** What this process was given on standard input. Never rejects. */
export async function readHanded(input: Readable): Promise<Handed> {
  try {
    const pieces: Buffer[] = []
    for await (const piece of input) pieces.push(piece as Buffer)
    const { order, secrets } = Object(JSON.parse(Buffer.concat(pieces).toString('utf8')))
    const passphrase: unknown = Object(secrets)[PASSPHRASE]
    return { order: readOrder(order), secrets: typeof passphrase === 'string' ? { [PASSPHRASE]: passphrase } : {} }
  } catch {
    return { order: undefined, secrets: {} }
  }
}

/**
 * Does what was handed to this process and reports it in one line. It ends when nothing is left to do, as what is renewed
 * and cannot be stored yet.
 */
export async function runRenewal({ app, handed, output, exit }: RenewalDeps): Promise<void> {
  // Whoever gave the order may be gone.
  output.on('error', () => {})
  if (handed.order === undefined) return exit(1)
  setTimeout(() => exit(0), LIFE_MS).unref()
  output.write(`${reportLine(await app.takeOver(handed.order))}\n`)
}

const PASSPHRASE = 'CODEX_OAUTH_PASSPHRASE'
