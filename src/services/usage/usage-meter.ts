import type { Config } from '../../config.ts'
import { codeOf } from '../../errors.ts'
import { cancelled } from '../../infrastructure/abort.ts'
import type { Clock } from '../../infrastructure/clock.ts'
import { type HttpClient, readText } from '../../infrastructure/http-client.ts'
import type { JsonFile } from '../../infrastructure/json-file.ts'
import type { Log } from '../../infrastructure/log.ts'
import { notTheService } from '../codex/not-the-service.ts'
import { parseJson } from '../codex/remote-text.ts'
import type { Credential } from '../login/credentials.ts'
import { keeping, ownerOfUsage, readKept } from './usage-kept.ts'
import { noUsage, usageRefusal } from './usage-refusal.ts'
import { limitsFromReport } from './usage-report.ts'
import { type KnownUsage, mergeLimits, type UsageSnapshot } from './usage-snapshot.ts'

/** How much of a plan is used: what answers have said, kept for all windows, and what the service says when asked. */
export interface UsageMeter {
  /** An answer to this credential has said so. It is merged into what is known; where answers do not tell usage, dropped. */
  note(credential: UsageSource, snapshot: UsageSnapshot | undefined): void
  /** What was said last, to whichever window; nothing where nobody has heard of this account. It asks nobody. */
  last(owner: Pick<Credential, 'accountId'>): KnownUsage | undefined
  /**
   * Asks the service, with at most one renewal of the credential; nothing where there is no place to ask.
   *
   * @throws CodexError NOT_AUTHENTICATED, RATE_LIMITED, CODEX_FAILED, RESPONSE_INVALID; NETWORK, TIMEOUT after 10 s;
   *   as `Credential.renew`; CANCELLED by `signal`
   */
  ask(credential: Credential, signal?: AbortSignal): Promise<KnownUsage | undefined>
}

export type UsageSource = Pick<Credential, 'accountId' | 'asking'>

export interface UsageMeterDeps {
  config: Pick<Config, 'baseUrl'>
  http: HttpClient
  cache: JsonFile
  clock: Pick<Clock, 'now'>
  log: Log
}

const LIMIT_MS = 10_000
const MAX_BYTES = 262_144
/** What has not changed is written again only after this long, so that other windows know it is still so. */
const CONFIRM_MS = 300_000

export function createUsageMeter({ config, http, cache, clock, log }: UsageMeterDeps): UsageMeter {
  const memory = new Map<string, KnownUsage>()

  function newest(owner: string): KnownUsage | undefined {
    const here = memory.get(owner)
    const kept = readKept(cache.read(), clock.now())[owner]
    return here !== undefined && here.at >= (kept?.at ?? 0) ? here : kept
  }

  function keep(owner: string, usage: KnownUsage): void {
    memory.set(owner, usage)
    const all = readKept(cache.read(), clock.now())
    const kept = all[owner]
    const isNews = JSON.stringify(kept?.snapshot) !== JSON.stringify(usage.snapshot)
    if (kept === undefined || isNews || usage.at - kept.at >= CONFIRM_MS) cache.write(keeping(all, owner, usage))
  }

  async function get(url: string, credential: Credential, signal: AbortSignal | undefined) {
    const endsAt = clock.now() + LIMIT_MS
    const headers = { ...credential.headers, accept: 'application/json' }
    const answer = await http.send({ method: 'GET', url, headers, headerTimeoutMs: LIMIT_MS, signal })
    const { status, body } = answer
    const strange = notTheService(answer, 'the usage of the plan')
    if (strange !== undefined) {
      void body?.cancel().catch(() => {})
      throw strange
    }
    const limits = { maxBytes: MAX_BYTES, limitMs: Math.max(1, endsAt - clock.now()), signal }
    const text = await readText(body, limits).catch((error: unknown) => {
      // Of a refusal the status says enough.
      if (status === 200) throw error
      return ''
    })
    if (signal?.aborted) throw cancelled()
    return { status, headers: answer.headers, json: parseJson(text) }
  }

  /** @throws as `UsageMeter.ask` */
  async function report(url: string, credential: Credential, signal: AbortSignal | undefined): Promise<KnownUsage> {
    const first = await get(url, credential, signal)
    const renewed = first.status === 401 ? await credential.renew?.(signal) : undefined
    const reply = renewed === undefined ? first : await get(url, renewed, signal)
    const nowMs = clock.now()
    if (reply.status !== 200) throw usageRefusal({ ...reply, credential, nowMs })
    const snapshot = limitsFromReport(reply.json, nowMs)
    if (snapshot === undefined) throw noUsage()
    return { snapshot, at: nowMs }
  }

  return {
    note({ accountId, asking }, snapshot) {
      const owner = ownerOfUsage(accountId, config.baseUrl)
      if (snapshot === undefined || owner === undefined || !asking.tellsUsage) return
      keep(owner, { snapshot: mergeLimits(newest(owner)?.snapshot, snapshot), at: clock.now() })
    },

    last({ accountId }) {
      const owner = ownerOfUsage(accountId, config.baseUrl)
      return owner === undefined ? undefined : newest(owner)
    },

    async ask(credential, signal) {
      const url = credential.asking.usageUrl(credential.baseUrl)
      if (url === undefined) return undefined
      try {
        const usage = await report(url, credential, signal)
        const owner = ownerOfUsage(credential.accountId, config.baseUrl)
        // The report is the whole of it: a limit that it does not tell any more is gone.
        if (owner !== undefined) keep(owner, usage)
        return usage
      } catch (error) {
        log.event('usage_failed', { reason: codeOf(error) })
        throw error
      }
    },
  }
}
