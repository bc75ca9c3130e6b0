import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { listQuietly } from './clean-up.ts'

export interface PortHolder {
  pid: number
  /** The program's short name, as the system has it. */
  name: string
}

/** Looking through all processes of a large machine must not take long: better no answer than a slow one. */
const LIMIT_MS = 250

/**
 * Who listens on a TCP port of this machine, on Linux and as far as this user may see it: the processes of others
 * hide their sockets. Undefined otherwise. Never throws.
 */
export function holderOf(port: number, platform: NodeJS.Platform): PortHolder | undefined {
  if (platform !== 'linux') return undefined
  const sockets = new Set(['tcp', 'tcp6'].flatMap((table) => listenersIn(`/proc/net/${table}`, port)))
  if (sockets.size === 0) return undefined
  const deadline = performance.now() + LIMIT_MS
  for (const pid of listQuietly('/proc')) {
    if (performance.now() > deadline) return undefined
    if (/^\d+$/.test(pid) && holdsAny(pid, sockets)) return { pid: Number(pid), name: nameOf(pid) }
  }
  return undefined
}

/** The sockets that listen on `port`, as links name them. The table has port and state in hexadecimal. */
function listenersIn(table: string, port: number): string[] {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return linesOf(table).flatMap((line) => {
    const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/)
    return state === '0A' && local.endsWith(wanted) ? [`socket:[${inode}]`] : []
  })
}

function linesOf(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n')
  } catch {
    return []
  }
}

function holdsAny(pid: string, sockets: ReadonlySet<string>): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => sockets.has(linkOf(`/proc/${pid}/fd/${fd}`)))
  } catch {
    // Another user's, or it has ended meanwhile.
    return false
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}

/** A program chooses its own name: only plain characters of it are passed on. */
function nameOf(pid: string): string {
  const name = (linesOf(`/proc/${pid}/comm`)[0] ?? '').replace(/[^\w.:/ -]/g, '').trim()
  return name === '' ? 'a program' : name
}
