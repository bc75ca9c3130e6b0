import { setTimeout } from 'node:timers/promises'
import { isLoopbackHost } from './loopback-host.ts'
import type { Surroundings } from './surroundings.ts'

export type BrowserOutcome = { opened: true } | { opened: false; reason: string }

export interface BrowserOptions {
  /** Tells whether a browser can be seen; the launcher itself inherits the environment of the process. */
  surroundings: Surroundings
  /**
   * What BROWSER names on Linux: tried first, because remote workspaces put the way to the user's own browser there, and
   * only the desktop's opener, which they often lack, would look at it.
   */
  program?: string | undefined
  /** How long the launcher may take to fail. */
  settleMs?: number
}

const MAX_URL_LENGTH = 8_192
const NOT_STARTED = 'No browser could be started on this machine.'

/**
 * Asks the system to show `url` in a browser. `opened` means that nothing failed within `settleMs`; nobody can tell
 * whether a window appeared, so the URL is shown to the user in any case. `reason` is a sentence. Never throws.
 *
 * The wait alone does not keep the process alive: a server that shuts down does not stay for a launcher.
 */
export async function openInBrowser(
  url: string,
  { surroundings, program, settleMs = 2_000 }: BrowserOptions,
): Promise<BrowserOutcome> {
  const reason = whyRefused(url) ?? whyInvisible(surroundings)
  if (reason !== undefined) return { opened: false, reason }
  const noFailure = setTimeout(settleMs, { opened: true } as const, { ref: false })
  return await Promise.race([launchFirst(url, isPlainName(program) ? [program, undefined] : [undefined]), noFailure])
}

/**
 * The system's opener takes files, options and any scheme a program has registered, so only a web address passes,
 * and only in characters that no launcher on the way has to quote or re-encode.
 */
function whyRefused(url: string): string | undefined {
  if (url.length > MAX_URL_LENGTH) return 'The address is too long to be handed to a browser.'
  if (!/^[!-~]+$/.test(url)) return 'The address holds characters that do not belong into one.'
  return isWebAddress(url) ? undefined : 'The address is neither https nor http on this machine.'
}

function isWebAddress(url: string): boolean {
  // The parser alone would also take `https:host` and `https:\\host`, which other programs read differently.
  if (!/^https?:\/\/[^/\\]/.test(url)) return false
  try {
    const { protocol, hostname } = new URL(url)
    return protocol === 'https:' || isLoopbackHost(hostname)
  } catch {
    return false
  }
}

/** Why a browser started here would be seen by nobody. */
export function whyInvisible({ place, hasBrowser }: Surroundings): string | undefined {
  if (hasBrowser) return undefined
  if (place === 'ssh') return 'This is an SSH session, so a browser started here would not be visible to you.'
  if (place === 'container') return 'This is a container, in which no browser can be shown.'
  return 'There is no display here on which a browser could be shown.'
}

/** A list of commands with placeholders, which BROWSER may hold as well, is left to the desktop's opener. */
export function isPlainName(program: string | undefined): program is string {
  // These two are names of a library's own for something else.
  return program !== undefined && /^[\w./+-]{1,1000}$/.test(program) && !/^browser(Private)?$/.test(program)
}

/** Undefined is the system's own opener. */
async function launchFirst(url: string, programs: readonly (string | undefined)[]): Promise<BrowserOutcome> {
  for (const program of programs) if (await launch(url, program)) return { opened: true }
  return { opened: false, reason: NOT_STARTED }
}

/** Settles when the launcher has ended: never, if it becomes the browser itself. */
async function launch(url: string, program: string | undefined): Promise<boolean> {
  try {
    // Loaded here because only a sign-in needs it, and the server should start fast.
    const { default: open } = await import('open')
    const launcher = await open(url, program === undefined ? {} : { app: { name: program } })
    // `open` takes its own listener off once the launcher runs; a later error would end the process.
    launcher.on('error', () => {})
    // On Windows `open` waits for the launcher itself, so the end may lie behind us.
    const ended = launcher.exitCode !== null || launcher.signalCode !== null
    if (!ended) await new Promise((resolve) => launcher.once('exit', resolve))
    return launcher.exitCode === 0
  } catch {
    return false
  }
}
