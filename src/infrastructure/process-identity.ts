import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { isErrno } from './errno.ts'

/** One run of a process. The pid alone is not enough: it is given out again, and means nothing elsewhere. */
export interface ProcessIdentity {
  pid: number
  /** When it started, in the system's own words; undefined where that cannot be read. */
  startTime?: string | undefined
  /** Where its pid means something: one boot of one machine, one pid namespace. */
  place: string
}

export type Life = 'alive' | 'dead' | 'unknown'

/** The identity of this process. */
export function thisProcess(platform = process.platform): ProcessIdentity {
  const { pid } = process
  return { pid, startTime: inspect(pid, platform)?.startTime, place: thisPlace(platform) }
}

/**
 * Whether the process that had this identity still runs. `unknown` when it belongs to another place: a living
 * process of another container or of another machine that shares the home folder looks dead from here.
 */
export function lifeOf(owner: ProcessIdentity, platform = process.platform): Life {
  if (owner.place !== thisPlace(platform)) return 'unknown'
  if (!answers(owner.pid)) return 'dead'
  const found = inspect(owner.pid, platform)
  if (found?.zombie) return 'dead'
  const recycled = found !== undefined && owner.startTime !== undefined && found.startTime !== owner.startTime
  return recycled ? 'dead' : 'alive'
}

/** Where this process runs; two processes with the same answer can judge each other by pid. */
export function thisPlace(platform = process.platform): string {
  if (platform !== 'linux') return hostname()
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return `${boot} ${readlinkSync('/proc/self/ns/pid')}`
  } catch {
    return hostname()
  }
}

function answers(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM comes from a living process of another user.
    return !isErrno(error, 'ESRCH')
  }
}

interface Running {
  startTime: string
  /** It has ended and only waits for its parent to notice; signals still reach it. */
  zombie: boolean
}

function inspect(pid: number, platform: NodeJS.Platform): Running | undefined {
  try {
    if (platform === 'linux') return readProc(pid)
    return platform === 'darwin' ? askPs(pid) : undefined
  } catch {
    return undefined
  }
}

function readProc(pid: number): Running | undefined {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The second field is the program's name in parentheses and may itself hold spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state, startTime] = [fields[0], fields[22 - 3]]
  return startTime === undefined ? undefined : { startTime, zombie: state === 'Z' || state === 'X' }
}

function askPs(pid: number): Running | undefined {
  // Loaded here, because at the top it would cost every start on every system.
  const { execFileSync } = process.getBuiltinModule('node:child_process')
  const line = execFileSync('ps', ['-o', 'stat=', '-o', 'lstart=', '-p', String(pid)], {
    encoding: 'utf8',
    timeout: 2000,
    stdio: ['ignore', 'pipe', 'ignore'],
    // The start time is printed in local time and language: every process has to ask in the same one.
    env: { PATH: '/bin:/usr/bin', LC_ALL: 'C', TZ: 'UTC' },
  })
  const [state = '', ...start] = line.trim().split(/\s+/)
  return start.length === 0 ? undefined : { startTime: start.join(' '), zombie: state.startsWith('Z') }
}
