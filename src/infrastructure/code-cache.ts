import { lstatSync, mkdirSync, renameSync, type Stats, writeFileSync } from 'node:fs'
import { basename, dirname, isAbsolute, join } from 'node:path'
import { listQuietly, removeQuietly } from './clean-up.ts'
import { isErrno } from './errno.ts'
import { homeOrNone } from './home.ts'
import { readRegularFile } from './regular-file.ts'

/** Those of other versions, and of other Nodes: hosts bring their own, so that several take turns. */
const KEPT_FILES = 4
/** Ten times what there is. */
const MAX_BYTES = 16 * 1_048_576

export interface CodeCachePlace {
  env: Readonly<Record<string, string | undefined>>
  platform: string
  /** May throw: a process may run as a user without one. */
  home: () => string
  /** The program and its version. */
  program: string
  /** Node's version, and whatever it was told: V8 takes no code of another version, nor of one with other options. */
  node: { version: string; arch: string; execArgv: readonly string[] }
}

/**
 * Where compiled code is kept: in the folder that the platform has for what can be made again. Undefined where there is
 * none, or where Node is told to keep none (`NODE_DISABLE_COMPILE_CACHE`, which its own cache heeds).
 */
export function codeCacheFile({ env, platform, home, program, node }: CodeCachePlace): string | undefined {
  if (env.NODE_DISABLE_COMPILE_CACHE) return undefined
  const folder = cacheFolder(env, platform, home)
  const options = [...node.execArgv, env.NODE_OPTIONS ?? ''].join(' ').trim()
  const name = [program, 'node', node.version, node.arch, ...(options === '' ? [] : [shortHash(options)])].join('-')
  return folder === undefined ? undefined : join(folder, 'codex-oauth', `${name}.code`)
}

function cacheFolder(env: CodeCachePlace['env'], platform: string, home: () => string): string | undefined {
  const named = platform === 'win32' ? env.LOCALAPPDATA : env.XDG_CACHE_HOME
  // A relative one is invalid and has to be ignored (XDG Base Directory Specification).
  if (named !== undefined && isAbsolute(named)) return named
  if (platform === 'win32') return undefined
  const own = homeOrNone(home)
  if (!isAbsolute(own)) return undefined
  return platform === 'darwin' ? join(own, 'Library', 'Caches') : join(own, '.cache')
}

/** FNV-1a: to tell a few settings apart; a better one would have to be loaded. */
function shortHash(text: string): string {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return (hash >>> 0).toString(16).padStart(8, '0')
}

/**
 * The compiled code in `file`, or undefined if there is none, it is damaged, or somebody other than the user `uid` could
 * have written it or put it there: what is in it will run. V8 itself checks none of that, and dies of a damaged one.
 * It stands there twice, because to compare takes a fifth of what it takes to load a checksum.
 */
export function readCode(file: string, uid: number | undefined): Buffer | undefined {
  try {
    const { bytes, stat } = readRegularFile(file, MAX_BYTES)
    if (!isOnlyOf(uid, stat) || !isOnlyOf(uid, lstatSync(dirname(file)))) return undefined
    const code = bytes.subarray(0, bytes.length / 2)
    return code.length > 0 && code.equals(bytes.subarray(code.length)) ? code : undefined
  } catch {
    return undefined
  }
}

/** Windows has no such bits and no `uid`: there the rights of the user's profile folder hold. */
function isOnlyOf(uid: number | undefined, { uid: owner, mode }: Stats): boolean {
  return uid === undefined || (owner === uid && (mode & 0o022) === 0)
}

/**
 * Puts compiled code into `file`, as far as that is possible, where `readCode` would take it from there, and removes what
 * too many others have left beside it. Never throws. Unlike a file that matters (atomic-file.ts) this one can be made again:
 * nothing is flushed to the disk, and nobody is told of a failure.
 */
export function keepCode(file: string, makeCode: () => Buffer, uid: number | undefined): void {
  const folder = dirname(file)
  const temp = `${file}.${process.pid}-${Date.now()}`
  try {
    makeFolder(dirname(folder))
    makeFolder(folder)
    const stat = lstatSync(folder)
    if (!stat.isDirectory() || !isOnlyOf(uid, stat)) return
    const code = makeCode()
    writeFileSync(temp, Buffer.concat([code, code]), { mode: 0o600, flag: 'wx' })
  } catch {
    return
  }
  try {
    renameSync(temp, file)
  } catch {
    removeQuietly(temp)
    return
  }
  const others = listQuietly(folder).filter((name) => OURS.test(name) && name !== basename(file))
  for (const old of newestFirst(folder, others).slice(KEPT_FILES - 1)) removeQuietly(old)
}

/** One level: `recursive` goes round for ever where a file system has folders and takes none, as /proc. */
function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, 0o700)
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error
  }
}

/** Nothing else is removed, whatever people put there. */
const OURS = /^[\w.-]+-node-v[\w.-]+\.code(\.[\d-]+)?$/

function newestFirst(folder: string, names: readonly string[]): string[] {
  const paths = names.map((name) => join(folder, name))
  return paths
    .map((path) => ({ path, at: lstatSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0 }))
    .sort((one, other) => other.at - one.at)
    .map(({ path }) => path)
}
