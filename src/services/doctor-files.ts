import type { ClaimStore } from '../infrastructure/claim.ts'
import type { Clock } from '../infrastructure/clock.ts'
import { findLock } from '../infrastructure/file-lock.ts'
import { isFingerprint } from '../infrastructure/fingerprint.ts'
import { factsOf, nearestFolder, whyUnwritable } from '../infrastructure/path-facts.ts'
import type { TokenStorage } from '../infrastructure/token-storage.ts'
import type { Unopened } from '../infrastructure/vault.ts'
import { type DoctorCheck, type Guard, ok, problem, warning } from './doctor-check.ts'
import type { Machine } from './doctor-machine.ts'
import { duration } from './duration.ts'

export interface FilesDeps {
  storage: Pick<TokenStorage, 'file' | 'read'>
  claims: Pick<ClaimStore, 'list' | 'ownerIsDead'>
  clock: Clock
  machine: Pick<Machine, 'platform'>
}

const LIMIT_MS = 5_000

/** The credentials file and what lies beside it. */
export async function checkFiles(deps: FilesDeps, guard: Guard): Promise<readonly DoctorCheck[]> {
  const checks = [
    guard('credentials file', LIMIT_MS, () => checkFile(deps)),
    guard('folder', LIMIT_MS, () => checkFolder(deps)),
    guard('lock', LIMIT_MS, () => checkLock(deps)),
    guard('claims', LIMIT_MS, () => checkClaims(deps)),
  ]
  return (await Promise.all(checks)).flat()
}

/** The storage itself says what is wrong with the file; modes and owners too. */
function checkFile({ storage, machine }: FilesDeps): DoctorCheck {
  const file = storage.file()
  const { record, unopened, warnings } = storage.read()
  const { kind, mode } = factsOf(file)
  if (warnings.length > 0) {
    const isLax = kind === 'file' && (mode & 0o077) !== 0 && machine.platform !== 'win32'
    return judgeFile(warnings, unopened, isLax ? `Run: chmod 600 ${file}` : undefined)
  }
  if (kind === 'absent') return ok('credentials file', `${file} does not exist; a sign-in makes it.`)
  const rights = machine.platform === 'win32' ? '' : ` (mode ${octal(mode)})`
  const content = record === undefined ? 'holds no sign-in' : 'holds a sign-in'
  return ok('credentials file', `${file} ${content}${rights}.`)
}

function judgeFile(
  warnings: readonly string[],
  unopened: Unopened | undefined,
  tighten: string | undefined,
): DoctorCheck {
  // That sentence has its remedy in it.
  const others = warnings.filter((sentence) => unopened === undefined || !sentence.startsWith(unopened.reason))
  const findings = [unopened?.reason, ...others].filter((part) => part !== undefined)
  const remedies = [tighten, unopened?.remedy].filter((part) => part !== undefined)
  const remedy = remedies.length > 0 ? remedies.join(' ') : 'Let the file belong to you, or sign in again.'
  return warning('credentials file', findings.join(' '), remedy)
}

function checkFolder({ storage, machine }: FilesDeps): DoctorCheck {
  const file = storage.file()
  const folder = nearestFolder(file)
  const code = whyUnwritable(file)
  if (code !== undefined) {
    const remedy =
      'Check its owner, its permissions and the space on the disk, or set CODEX_OAUTH_FILE to another place.'
    return problem('folder', `Nothing can be written into ${folder} (${code}).`, remedy)
  }
  const { mode } = factsOf(folder)
  if (machine.platform !== 'win32' && (mode & 0o022) !== 0) {
    const finding = `Other users of this machine can replace files in ${folder} (mode ${octal(mode)}).`
    return warning('folder', finding, `Run: chmod go-w ${folder}`)
  }
  return ok('folder', `${folder} can be written to.`)
}

function checkLock({ storage, clock }: FilesDeps): DoctorCheck {
  const lock = findLock(storage.file(), clock.now())
  if (lock === undefined) return ok('lock', 'Nobody holds the lock.')
  const { kind, file, ageMs } = lock
  const remove = `If no other copy of this program is running, remove ${file}.`
  if (kind === 'held')
    return ok('lock', 'A process holds the lock right now, as everybody who stores does for a moment.')
  if (kind === 'foreign') return problem('lock', `${file} is not a lock of this program.`, remove)
  const finding = `${file} was left behind ${duration(ageMs)} ago; the next who stores takes it over.`
  return warning('lock', finding, `Nothing needs to be done. ${remove}`)
}

function checkClaims({ claims, clock }: FilesDeps): DoctorCheck {
  // A sign-in that is open has claims, too, under a word.
  const all = claims.list().filter(({ subject }) => isFingerprint(subject))
  const busy = all.filter((claim) => !claim.done && !claims.ownerIsDead(claim)).length
  const pauseMs = Math.max(0, ...all.map(({ done, untilMs = 0 }) => (done ? untilMs - clock.now() : 0)))
  const finding =
    all.length === 0 ? 'No renewal is under way.' : `${count(all.length, 'claim')} on a renewal, ${busy} at work.`
  if (pauseMs === 0) return ok('claims', finding)
  const fails = Math.max(...all.map((claim) => claim.fails))
  return warning(
    'claims',
    `${finding} After ${count(fails, 'failure')} the next renewal waits for ${duration(pauseMs)}.`,
    'Wait for so long. If it comes again, look at the lines about the network.',
  )
}

function octal(mode: number): string {
  return mode.toString(8).padStart(3, '0')
}

function count(number: number, what: string): string {
  return number === 1 ? `1 ${what}` : `${number} ${what}s`
}
