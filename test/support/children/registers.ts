/**
 * Does one thing per round to the registration in `<folder>/<round>`, all such programs at the same moment, and reports
 * what came of each: `registers <folder> <rounds> host|rehearse|keep|confirm|notice`. The message that starts it is the
 * wall-clock time of the first round.
 */
import { randomBytes } from 'node:crypto'
import { CodexError } from '../../../src/errors.ts'
import { createPlanRegistration, type PlanRegistration } from '../../../src/services/plan/plan-registration.ts'
import { finish, ready } from './parent.ts'

const deeds: Readonly<Record<string, (registration: PlanRegistration) => unknown>> = {
  host: (registration) => registration.hostId(),
  rehearse: (registration) => registration.rehearse(),
  keep: (registration) => registration.keepPending('oaiapp_FAKE-kept'),
  confirm: (registration) => registration.confirm({ clientId: 'oaiapp_FAKE-confirmed', subject: 'sub-FAKE' }),
  notice: (registration) => registration.noticeShown(),
}

const [folder = '', rounds = '1', deed = ''] = process.argv.slice(2)
const firstAt = Number(await ready())
const outcomes: unknown[] = []
for (let round = 0; round < Number(rounds); round++) {
  while (Date.now() < firstAt + round * 20);
  const registration = createPlanRegistration({ folder: `${folder}/${round}`, randomBytes, now: Date.now })
  try {
    outcomes.push((await deeds[deed]?.(registration)) ?? 'done')
  } catch (error) {
    outcomes.push(error instanceof CodexError ? `${error.code} ${error.message}` : String(error))
  }
}
finish(outcomes)
