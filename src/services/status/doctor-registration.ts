import { factsOf } from '../../infrastructure/path-facts.ts'
import type { PlanRegistration } from '../plan/plan-registration.ts'
import { type DoctorCheck, type Guard, ok, warning } from './doctor-check.ts'
import type { Machine } from './doctor-machine.ts'

export interface RegistrationDeps {
  registration: Pick<PlanRegistration, 'files' | 'hostId' | 'clientFor'>
  machine: Pick<Machine, 'platform'>
}

const LIMIT_MS = 3_000

/** The files that say what this installation is at OpenAI; `isNeeded`: somebody is signed in with what they say. */
export async function checkRegistration(
  { registration, machine }: RegistrationDeps,
  isNeeded: boolean,
  guard: Guard,
): Promise<readonly DoctorCheck[]> {
  const { files, hostId, clientFor } = registration
  const checks = [
    guard('plan host id', LIMIT_MS, () =>
      checkFile('plan host id', files.hostId, { isNeeded, machine }, () => {
        hostId()
        return 'holds the id of this installation'
      }),
    ),
    guard('plan registration', LIMIT_MS, () =>
      checkFile('plan registration', files.registration, { isNeeded, machine }, () =>
        clientFor(false) === undefined ? 'holds no registration' : 'holds the registration of this installation',
      ),
    ),
  ]
  return (await Promise.all(checks)).flat()
}

interface Circumstances extends Pick<RegistrationDeps, 'machine'> {
  isNeeded: boolean
}

/** `read` gives what a file that is there holds, and must not be asked for one that is not: it might make it. */
function checkFile(
  name: string,
  file: string,
  { isNeeded, machine }: Circumstances,
  read: () => string,
): readonly DoctorCheck[] {
  const { kind, mode } = factsOf(file)
  if (kind === 'absent') return isNeeded ? [missing(name, file)] : []
  const finding = `${file} ${read()}.`
  if (machine.platform === 'win32' || (mode & 0o022) === 0) return [ok(name, finding)]
  const open = `${finding} Other users of this machine can change it (mode ${mode.toString(8).padStart(3, '0')}).`
  return [warning(name, open, `Run: chmod go-w ${file}`)]
}

function missing(name: string, file: string): DoctorCheck {
  const remedy = 'Nothing needs to be done: a later sign-in makes it again, and may ask for consent once more.'
  return warning(name, `${file} is missing.`, remedy)
}
