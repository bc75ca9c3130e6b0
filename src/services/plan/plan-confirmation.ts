import { codeOf } from '../../errors.ts'
import type { Log } from '../../infrastructure/log.ts'
import type { TokenRecord } from '../../infrastructure/token-storage.ts'
import type { PlanRegistration } from './plan-registration.ts'

export interface PlanConfirmationDeps {
  registration: Pick<PlanRegistration, 'confirm'>
  log: Log
}

/**
 * Keeps the client of a login that is stored as the one of this installation. Never rejects: without it the user is
 * signed in all the same, and the login itself knows its client.
 */
export function createPlanConfirmation({ registration, log }: PlanConfirmationDeps) {
  return async ({ clientId, accountId: subject }: TokenRecord): Promise<void> => {
    if (clientId === undefined || subject === undefined) return
    await registration.confirm({ clientId, subject }).catch((error: unknown) => {
      log.event('registration_not_kept', { reason: codeOf(error) })
    })
  }
}
