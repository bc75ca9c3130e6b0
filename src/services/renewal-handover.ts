import type { CodexError } from '../errors.ts'
import type { ClaimStore } from '../infrastructure/claim.ts'
import type { Log } from '../infrastructure/log.ts'
import type { TokenRecord } from '../infrastructure/token-storage.ts'
import { within } from '../infrastructure/within.ts'
import type { RouteName } from './login-route.ts'
import type { RefreshReason } from './oauth-route.ts'
import type { RenewalOrder, RenewalReport } from './renewal-order.ts'

/** Has an order done by a process that outlives this one; undefined when there is no such process. Never rejects. */
export type RenewElsewhere = (order: RenewalOrder) => Promise<RenewalReport | undefined>

/**
 * A process that is killed between the rotation at the issuer and the write on the disk takes the login with it. So
 * whoever has claimed a refresh token lets another process spend it, which no host knows and whose life does not hang
 * on its.
 *
 * Of the two only one spends it, however late or dead either is: the other process takes the number after the claim,
 * and so does this one before it does the work itself.
 */
export interface Handover {
  /**
   * The claim to spend the token under here, when nobody else does it. Undefined: it has been done elsewhere, or is
   * being done, look again.
   *
   * @throws CodexError what stood in the way there; STORAGE_FAILED
   */
  offer(claimed: Claimed): Promise<number | undefined>
}

export interface Claimed extends Omit<RenewalOrder, 'route'> {
  current: TokenRecord
  fails: number
  reason: RefreshReason
}

export interface HandoverDeps {
  claims: ClaimStore
  /** What is known to stand in the way for longer, by subject. */
  lasting: Map<string, CodexError>
  route: { name: RouteName }
  renewElsewhere?: RenewElsewhere | undefined
  log: Log
  /** For tests. */
  startMs?: number
}

/** How long the other process may take to claim: a busy machine starts it in some 100 ms. */
const START_MS = 5_000
/** How long it is waited for from then on: longer than the issuer may take. From then on it is one claimant of many. */
const WORK_MS = 30_000

export function createHandover(deps: HandoverDeps): Handover {
  const { claims, lasting, route, renewElsewhere, log, startMs = START_MS } = deps

  /** The next number, unless the other process has it. */
  function takeBack({ subject, number, fails }: Claimed): number | undefined {
    const isUntouched = claims.top(subject)?.number === number
    return isUntouched && claims.take(subject, number + 1, fails) ? number + 1 : undefined
  }

  /** Nobody has taken it over: whoever wants the token renewed next does not have to wait for this process. */
  function leave({ subject, number, fails }: Claimed): void {
    try {
      if (claims.top(subject)?.number === number) claims.finish(subject, number, { untilMs: undefined, fails })
    } catch {
      log.event('claim_not_finished', { claim: number })
    }
  }

  return {
    async offer(claimed) {
      const { subject, number, reason } = claimed
      if (renewElsewhere === undefined) return number
      let report: RenewalReport | undefined
      const work = renewElsewhere({ route: route.name, subject, number, reason }).then((said) => {
        report = said
      })
      await within(work, startMs)
      let own: number | undefined
      try {
        own = takeBack(claimed)
      } catch (error) {
        leave(claimed)
        throw error
      }
      if (own === undefined && report === undefined) await within(work, WORK_MS)
      log.event('renewal_handed', { outcome: own === undefined ? (report?.kind ?? 'silent') : 'returned' })
      if (own !== undefined) return own
      if (report?.kind === 'failed') {
        if (report.lasts) lasting.set(subject, report.error)
        else lasting.delete(subject)
        throw report.error
      }
      return undefined
    },
  }
}
