import type { Config } from '../../config.ts'
import { raceSignal } from '../../infrastructure/abort.ts'
import { canonicalPath } from '../../infrastructure/canonical-path.ts'
import type { Clock } from '../../infrastructure/clock.ts'
import { redact } from '../../infrastructure/log.ts'
import { isApiKeyRecord } from '../login/api-key.ts'
import { CODEX_LOGIN } from '../login/login-route.ts'
import { type AccountDeps, checkAccount } from './doctor-account.ts'
import { createGuard, type DoctorCheck } from './doctor-check.ts'
import { checkFiles, type FilesDeps } from './doctor-files.ts'
import { type DoctorLogin, isStored, storedIn } from './doctor-login.ts'
import { checkMachine, type Machine, type MachineDeps } from './doctor-machine.ts'
import { checkNetwork, type NetworkDeps } from './doctor-network.ts'
import { checkRegistration, type RegistrationDeps } from './doctor-registration.ts'

export type { DoctorCheck } from './doctor-check.ts'

export interface DoctorReport {
  checks: readonly DoctorCheck[]
}

/**
 * Looks at everything a sign-in or a question depends on, within 20 s, and renews the sign-in if that is due. What it
 * says may be pasted anywhere: no token, no code, no name of a home folder, e-mail addresses masked. It never throws
 * but for a cancel.
 *
 * @throws CodexError CANCELLED by `signal`
 */
export type Doctor = (signal?: AbortSignal) => Promise<DoctorReport>

export interface DoctorDeps extends Omit<DoctorLogin, 'route'>, AccountDeps, FilesDeps, MachineDeps, NetworkDeps {
  /** The Codex login unless told: the one whose lines are there in any case. */
  route?: DoctorLogin['route']
  /** Logins that have lines only where they are stored. */
  others?: readonly DoctorLogin[]
  registration?: RegistrationDeps['registration']
  config: AccountDeps['config'] & MachineDeps['config'] & NetworkDeps['config'] & Pick<Config, 'api'>
  machine: Machine
  clock: Clock
}

/** The longest chain of waits (this one, a renewal, the credential, the models) stays under 20 s. */
const UNLOCK_LIMIT_MS = 4_000

export function createDoctor(deps: DoctorDeps): Doctor {
  const { storage, claims, refresher, machine, config, clock, route = CODEX_LOGIN, others = [], registration } = deps
  const first = { route, storage, claims, refresher }
  const all = [first, ...others] as const
  const tidy = createTidy(machine.home)

  async function examine(signal: AbortSignal | undefined): Promise<DoctorCheck[]> {
    const guard = createGuard(clock, signal)
    // Once for all: what follows reads it as it is then, because a store that keeps silent may cost its time only once.
    const store = await guard('store', UNLOCK_LIMIT_MS, async () => {
      await Promise.all(all.map((login) => login.storage.unlock()))
      return []
    })
    const stored = others.filter(isStored)
    const logins = [first, ...stored] as const
    const usesApi = config.api.source !== undefined || storesKey(first)
    // One after the other, because a renewal would show among the claims as one under way.
    const files = checkFiles(deps, { all, stored: logins }, guard)
    const account = files.then(() => checkAccount(deps, logins, guard))
    const network = checkNetwork(deps, { logins, api: usesApi }, guard)
    const registered =
      registration === undefined ? [] : checkRegistration({ registration, machine }, stored.length > 0, guard)
    return (await Promise.all([checkMachine(deps, guard), network, store, files, registered, account])).flat()
  }

  return async (signal) => {
    // Not every part of it can be cancelled: a renewal goes on without us.
    const checks = await raceSignal(examine(signal), signal)
    return { checks: checks.map((check) => tidied(check, tidy)) }
  }
}

function storesKey(login: DoctorLogin): boolean {
  const { record } = storedIn(login)
  return record !== undefined && isApiKeyRecord(record)
}

function tidied(check: DoctorCheck, tidy: (text: string) => string): DoctorCheck {
  const { finding, remedy } = check
  return { ...check, finding: tidy(finding), remedy: remedy === undefined ? undefined : tidy(remedy) }
}

/** Takes out of a text what does not belong into a public report: the name of the home folder is that of its owner. */
function createTidy(home: string): (text: string) => string {
  // The home itself may be a link: what is stored is named by where it really lies.
  const homes = home.length > 1 ? [home, realPath(home)] : []
  return (text) => redact(homes.reduce((rest, folder) => hide(folder, rest), text))
}

function hide(folder: string, text: string): string {
  const name = folder.replace(/[/\\]+$/, '').replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
  return text.replace(new RegExp(`${name}(?![\\w-])`, 'g'), '~')
}

function realPath(path: string): string {
  try {
    return canonicalPath(path)
  } catch {
    return path
  }
}
