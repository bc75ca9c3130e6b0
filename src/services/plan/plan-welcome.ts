import type { TokenRecord } from '../../infrastructure/token-storage.ts'
import type { PlanRegistration } from './plan-registration.ts'
import { hasPlanScope } from './plan-scope.ts'
import { PLAN_IN_USE, PLAN_OFF } from './plan-words.ts'

export interface PlanWelcomeDeps {
  stored: () => TokenRecord | undefined
  registration: Pick<PlanRegistration, 'isNoticeShown' | 'noticeShown'>
}

/**
 * What somebody has to know who is signed in for plan usage: that it is off, or, the first time they are told, that it
 * is on (facts: plan-usage 4.3). Never rejects: a notice that cannot be noted down is given again.
 */
export function createPlanWelcome({ stored, registration }: PlanWelcomeDeps): () => Promise<readonly string[]> {
  return async () => {
    const record = stored()
    if (record === undefined) return []
    if (!hasPlanScope(record)) return [PLAN_OFF.message, PLAN_OFF.hint]
    try {
      if (registration.isNoticeShown()) return []
      await registration.noticeShown()
    } catch {
      // It is better said twice than never.
    }
    return [PLAN_IN_USE]
  }
}
