import type { Clock } from '../../infrastructure/clock.ts'
import { findLock } from '../../infrastructure/file-lock.ts'
import { isFingerprint } from '../../infrastructure/fingerprint.ts'
import { factsOf, nearestFolder, whyUnwritable } from '../../infrastructure/path-facts.ts'
import type { Unopened } from '../../infrastructure/vault.ts'
import { type DoctorCheck, type Guard, ok, problem, warning } from './doctor-check.ts'
import type { DoctorLogin } from './doctor-login.ts'
import type { Machine } from './doctor-machine.ts'
import { duration } from './duration.ts'

export interface FilesDeps {
  clock: Clock
  machine: Pick<Machine, 'platform'>
}

/** The parts of a login that lie in files. */
export interface LoginFiles extends Pick<DoctorLogin, 'claims'> {
  route: Pick<DoctorLogin['route'], 'report'>
  storage: Pick<DoctorLogin['storage'], 'file' | 'read'>
}

const LIMIT_MS = 5_000

/**
 * The credentials file, which all logins share, and what lies beside it. A login that cannot be read is not among those
 * that are stored, and still has its part in the file.
 */
export async function checkFiles(
  { clock, machine }: FilesDeps,
  { all, stored }: { all: readonly [LoginFiles, ...LoginFiles[]]; stored: readonly LoginFiles[] },
  guard: Guard,
): Promise<readonly DoctorCheck[]> {
  const { platform } = machine
  // Where that is may fail, and then is a line.
  const file = () => all[0].storage.file()
  const claims = stored.map(({ route, claims }) => {
    const name = `${route.report.prefix}claims`
    return guard(name, LIMIT_MS, () => checkClaims(name, claims, clock))
  })
  const checks = [
    guard('credentials file', LIMIT_MS, () => checkFile(file(), all, platform)),
    guard('folder', LIMIT_MS, () => checkFolder(file(), platform)),
    guard('lock', LIMIT_MS, () => checkLock(file(), clock)),
    ...claims,
  ]
  return (await Promise.all(checks)).flat()
}

/** The storage itself says what is wrong with the file; modes and owners too. */
function checkFile(file: string, logins: readonly LoginFiles[], platform: NodeJS.Platform): DoctorCheck {
  const contents = logins.map(({ storage }) => storage.read())
  // What is said of the file is said by each of them.
  const warnings = [...new Set(contents.flatMap((one) => one.warnings))]
  const { kind, mode } = factsOf(file)
  if (warnings.length > 0) {
    const isLax = kind === 'file' && (mode & 0o077) !== 0 && platform !== 'win32'
    const unopened = contents.map((one) => one.unopened).find((one) => one !== undefined)
    return judgeFile(warnings, unopened, isLax ? `Run: chmod 600 ${file}` : undefined)
  }
  if (kind === 'absent') return ok('credentials file', `${file} does not exist; a sign-in makes it.`)
  const rights = platform === 'win32' ? '' : ` (mode ${octal(mode)})`
  const held = contents.filter(({ record }) => record !== undefined).length
  return ok('credentials file', `${file} holds ${HOLDINGS[held] ?? `${held} sign-ins`}${rights}.`)
}

const HOLDINGS: readonly string[] = ['no sign-in', 'a sign-in']

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

function checkFolder(file: string, platform: NodeJS.Platform): DoctorCheck {
  const folder = nearestFolder(file)
  const code = whyUnwritable(file)
  if (code !== undefined) {
    const remedy =
      'Check its owner, its permissions and the space on the disk, or set CODEX_OAUTH_FILE to another place.'
    return problem('folder', `Nothing can be written into ${folder} (${code}).`, remedy)
  }
  const { mode } = factsOf(folder)
  if (platform !== 'win32' && (mode & 0o022) !== 0) {
    const finding = `Other users of this machine can replace files in ${folder} (mode ${octal(mode)}).`
    return warning('folder', finding, `Run: chmod go-w ${folder}`)
  }
  return ok('folder', `${folder} can be written to.`)
}

function checkLock(credentialsFile: string, clock: Clock): DoctorCheck {
  const lock = findLock(credentialsFile, clock.now())
  if (lock === undefined) return ok('lock', 'Nobody holds the lock.')
  const { kind, file, ageMs } = lock
  const remove = `If no other copy of this program is running, remove ${file}.`
  if (kind === 'held')
    return ok('lock', 'A process holds the lock right now, as everybody who stores does for a moment.')
  if (kind === 'foreign') return problem('lock', `${file} is not a lock of this program.`, remove)
  const finding = `${file} was left behind ${duration(ageMs)} ago; the next who stores takes it over.`
  return warning('lock', finding, `Nothing needs to be done. ${remove}`)
}

function checkClaims(name: string, claims: LoginFiles['claims'], clock: Clock): DoctorCheck {
  // A sign-in that is open has claims, too, under a word.
  const all = claims.list().filter(({ subject }) => isFingerprint(subject))
  const busy = all.filter((claim) => !claim.done && !claims.ownerIsDead(claim)).length
  const pauseMs = Math.max(0, ...all.map(({ done, untilMs = 0 }) => (done ? untilMs - clock.now() : 0)))
  const finding =
    all.length === 0 ? 'No renewal is under way.' : `${count(all.length, 'claim')} on a renewal, ${busy} at work.`
  if (pauseMs === 0) return ok(name, finding)
  const fails = Math.max(...all.map((claim) => claim.fails))
  return warning(
    name,
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
