import type { Clock } from '../../infrastructure/clock.ts'
import type { Credential } from '../login/credentials.ts'
import { limitsFromHeaders } from './usage-headers.ts'
import type { UsageMeter } from './usage-meter.ts'
import { limitsFromEvent } from './usage-report.ts'
import { mergeLimits, type UsageSnapshot } from './usage-snapshot.ts'

/**
 * What the answers to one question say of the limits, noted as it comes: a question that is refused, or whose stream
 * fails, says it too.
 */
export interface ToldLimits {
  hearHeaders(headers: Headers): void
  hearEvent(event: unknown): void
  /** All of it, what was said last first; undefined where nothing was. */
  heard(): UsageSnapshot | undefined
}

export interface ToldLimitsDeps {
  credential: Credential
  meter: Pick<UsageMeter, 'note'>
  clock: Pick<Clock, 'now'>
}

export function createToldLimits({ credential, meter, clock }: ToldLimitsDeps): ToldLimits {
  let told: UsageSnapshot | undefined

  function hear(limits: UsageSnapshot | undefined): void {
    if (limits === undefined || !credential.asking.tellsUsage) return
    told = mergeLimits(told, limits)
    meter.note(credential, told)
  }

  return {
    hearHeaders: (headers) => hear(limitsFromHeaders(headers, clock.now())),
    hearEvent: (event) => hear(limitsFromEvent(event, clock.now())),
    heard: () => told,
  }
}
