import { readdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { overwriteFile, replaceFile, sweepLeftovers } from './atomic-file.ts'
import { isOlderThan, removeQuietly } from './clean-up.ts'
import { isErrno } from './errno.ts'
import { createOnce } from './exclusive-file.ts'
import { lifeOf, type ProcessIdentity, thisProcess } from './process-identity.ts'
import { readRegularFile } from './regular-file.ts'
import { orStorageFailed } from './storage-failure.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const MAX_BODY_BYTES = 4096

/** A file that says who does, or did, what may be done only once. */
export interface Claim {
  subject: string
  number: number
  owner: ProcessIdentity
  /** The attempt has ended without the result that makes the subject a thing of the past. */
  done: boolean
  /** What may be done only once has been done; what came of it is only in the owner's memory so far. */
  spent: boolean
  /** Wall clock in milliseconds: nobody tries again before. */
  untilMs?: number
  /** Attempts that failed so far. */
  fails: number
}

/**
 * Numbered claims on a subject. A number is taken once and never given back while the subject is current, so
 * whoever takes over from a dead owner (by the next number) is always alone: that needs no removal, and a removal
 * that races with a take is what makes lock files fail.
 */
export interface ClaimStore {
  /**
   * The claim with the highest number. One that cannot be read, or not yet, counts as held by someone alive.
   *
   * @throws CodexError STORAGE_FAILED
   */
  top(subject: string): Claim | undefined
  /**
   * Takes a number; false when somebody else has it. `fails` is what the claim before it had.
   *
   * @throws CodexError STORAGE_FAILED
   */
  take(subject: string, number: number, fails?: number): boolean
  /**
   * Ends the attempt of a number this process has taken.
   *
   * @throws CodexError STORAGE_FAILED
   */
  finish(subject: string, number: number, state: { untilMs: number | undefined; fails: number }): void
  /**
   * Says of a number this process has taken that it is spent, also on a full disk. Its claim has to be there still.
   *
   * @throws CodexError STORAGE_FAILED
   */
  markSpent(subject: string, number: number, fails: number): void
  /** Removes all claims on a subject that can never be current again. Never fails. */
  release(subject: string): void
  /** Removes claims older than a day on other subjects than the current one, and leftovers. Never fails. */
  sweep(currentSubject: string | undefined): void
  /** All claims there are, on whatever subject. @throws CodexError STORAGE_FAILED */
  list(): Claim[]
  /** True only when the owner can be seen from here and has ended. */
  ownerIsDead(claim: Claim): boolean
  /** True only when the owner can be seen from here and lives. */
  ownerIsAlive(claim: Claim): boolean
}

export interface ClaimStoreDeps {
  /** Gives the canonical path the claims are named after: `<base>.spend.<subject>.<number>`. */
  base: () => string
  /** Whose claims these are. */
  identity?: ProcessIdentity
  now: () => number
}

export function createClaimStore({ base, identity, now }: ClaimStoreDeps): ClaimStore {
  let owner = identity
  const bodyOf = (rest: Omit<Body, keyof Owner>) => {
    // Asked when first needed: on macOS it starts a program.
    owner ??= thisProcess()
    const { pid, startTime: start, place } = owner
    return JSON.stringify({ pid, start, place, ...rest } satisfies Body)
  }
  const pathOf = (subject: string, number: number) => `${base()}.spend.${subject}.${number}`
  /** Claims that cannot be seen are not absent: taking them for it would try a taken number for ever. */
  const list = () => {
    const path = base()
    return listClaims(
      path,
      orStorageFailed(path, 'read', () => namesIn(dirname(path))),
    )
  }

  return {
    top(subject) {
      const number = Math.max(0, ...list().flatMap((found) => (found.subject === subject ? [found.number] : [])))
      return number === 0 ? undefined : readClaim({ file: pathOf(subject, number), subject, number }, now())
    },
    take(subject, number, fails = 0) {
      return orStorageFailed(base(), 'written', () => createOnce(pathOf(subject, number), bodyOf({ fails })))
    },
    finish(subject, number, { untilMs, fails }) {
      const body = bodyOf({ done: true, until: untilMs, fails })
      orStorageFailed(base(), 'written', () => rewrite(pathOf(subject, number), body))
    },
    markSpent(subject, number, fails) {
      const body = bodyOf({ spent: true, fails })
      orStorageFailed(base(), 'written', () => overwriteFile(pathOf(subject, number), body))
    },
    release(subject) {
      quietly(() => {
        for (const found of list()) if (found.subject === subject) removeQuietly(found.file)
      })
    },
    sweep(currentSubject) {
      quietly(() => {
        for (const found of list()) {
          if (found.subject !== currentSubject && isOlderThan(DAY_MS, found.file, now())) removeQuietly(found.file)
        }
        sweepLeftovers(base(), now())
      })
    },
    list: () => list().map((found) => readClaim(found, now())),
    ownerIsDead: (claim) => lifeOf(claim.owner) === 'dead',
    ownerIsAlive: (claim) => lifeOf(claim.owner) === 'alive',
  }
}

interface Owner {
  pid: number
  start?: string | undefined
  place: string
}

interface Body extends Owner {
  done?: boolean
  spent?: boolean
  until?: number | undefined
  fails?: number
}

interface Found {
  file: string
  subject: string
  number: number
}

/** For tidying up: what cannot be done now is done another time. */
function quietly(action: () => void): void {
  try {
    action()
  } catch {
    // As said.
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return []
    throw error
  }
}

function listClaims(base: string, names: readonly string[]): Found[] {
  const prefix = `${basename(base)}.spend.`
  return names.flatMap((name) => {
    const [, subject, number] = /^([0-9a-z]+)\.([1-9]\d{0,14})$/.exec(name.slice(prefix.length)) ?? []
    if (!name.startsWith(prefix) || subject === undefined) return []
    return [{ file: join(dirname(base), name), subject, number: Number(number) }]
  })
}

/** On a full disk in its own place: otherwise the others would wait for somebody who has given up. */
function rewrite(path: string, body: string): void {
  try {
    replaceFile(path, body)
  } catch (error) {
    if (!isErrno(error, 'ENOSPC', 'EDQUOT')) throw error
    overwriteFile(path, body)
  }
}

function readClaim({ file, subject, number }: Found, now: number): Claim {
  const body = readBody(file)
  const until = readNumber(body.until)
  return {
    subject,
    number,
    owner: readOwner(body),
    done: body.done === true,
    spent: body.spent === true,
    // Further away than anybody ever waits: the clock has jumped.
    ...(until === undefined || until - now > HOUR_MS ? {} : { untilMs: until }),
    fails: readNumber(body.fails) ?? 0,
  }
}

function readBody(path: string): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(readRegularFile(path, MAX_BODY_BYTES).bytes.toString('utf8')))
  } catch {
    return {}
  }
}

/** An owner that cannot be read is of no place, so nobody can judge it dead. */
function readOwner({ pid, start, place }: Readonly<Record<string, unknown>>): ProcessIdentity {
  if (typeof pid !== 'number' || !Number.isInteger(pid) || pid < 1 || typeof place !== 'string') {
    return { pid: 0, place: '' }
  }
  return { pid, startTime: typeof start === 'string' ? start : undefined, place }
}

function readNumber(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}
