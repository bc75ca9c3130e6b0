import type { Config } from '../../config.ts'
import { CodexError, codeOf, isCodexError } from '../../errors.ts'
import { raceSignal } from '../../infrastructure/abort.ts'
import type { Clock } from '../../infrastructure/clock.ts'
import { type HttpClient, readText } from '../../infrastructure/http-client.ts'
import type { JsonFile } from '../../infrastructure/json-file.ts'
import type { Log } from '../../infrastructure/log.ts'
import { fieldOf, numberField, parseJson, textField } from '../codex/remote-text.ts'
import { digestOf, ownerParts } from '../login/credential-owner.ts'
import type { Credential } from '../login/credentials.ts'
import { BUILTIN_MODELS, type Model } from './builtin-models.ts'
import { isModelList } from './model-list.ts'

export type CatalogueSource = 'live' | 'cached' | 'built-in'

export interface Catalogue {
  /** Visible and hidden models, best first. */
  models: readonly Model[]
  source: CatalogueSource
}

export interface ModelCatalogue {
  /**
   * The models of this credential, or of nobody. Under five minutes old it comes from memory or disk, else from the
   * service with `If-None-Match`; when that fails, the stale copy, else the built-in list. It never throws but for a cancel.
   *
   * @throws CodexError CANCELLED by `signal`
   */
  list(credential: Credential | undefined, signal?: AbortSignal): Promise<Catalogue>
  /**
   * The same for a question that is waiting: a stale copy is taken as it is and renewed in the background. Without any,
   * or with an outdated one, the service is waited for, for 3 s at most. @throws CodexError CANCELLED by `signal`
   */
  forQuery(credential: Credential, signal?: AbortSignal): Promise<Catalogue>
  /**
   * The list as the service has it now, because it has contradicted the one there is; for a question that waits, so for
   * 3 s at most. @throws CodexError CANCELLED by `signal`
   */
  renew(credential: Credential, signal?: AbortSignal): Promise<Catalogue>
  /**
   * Also what is hidden from our compatibility level; nothing where that cannot be had within 3 s. It is remembered for
   * five minutes: whoever names a model that is nowhere does so again. @throws CodexError CANCELLED by `signal`
   */
  everything(credential: Credential, signal?: AbortSignal): Promise<readonly Model[]>
}

export interface ModelCatalogueDeps {
  config: Pick<Config, 'clientVersion'>
  http: HttpClient
  cache: JsonFile
  clock: Clock
  log: Log
}

interface Snapshot {
  /** Whose list this is, as a hash: account or key, endpoint, compatibility level. */
  identity: string
  etag: string | undefined
  /** `OUTDATED` for one that the service has contradicted. */
  fetchedAt: number
  models: readonly Model[]
}

const FRESH_MS = 300_000
const MAX_BYTES = 4_194_304
const OUTDATED = 0
const TIMEOUT_MS = 10_000
/** A question does not wait longer than this for a list it can do without. */
const QUERY_TIMEOUT_MS = 3_000
/** States no level at all, so nothing is held back (facts: wire-protocol 9). */
const ANY_VERSION = '0.0.0'
const BUILT_IN: Catalogue = { models: BUILTIN_MODELS, source: 'built-in' }

export function createModelCatalogue({ config, http, cache, clock, log }: ModelCatalogueDeps): ModelCatalogue {
  let memory: Snapshot | undefined
  let whole: Omit<Snapshot, 'etag'> | undefined
  const running = new Map<string, Promise<Catalogue>>()

  const known = (identity: string): Snapshot | undefined => {
    if (memory?.identity !== identity) memory = readSnapshot(cache.read(), identity)
    return memory
  }

  const isFresh = ({ fetchedAt }: Pick<Snapshot, 'fetchedAt'>) => {
    const ageMs = clock.now() - fetchedAt
    return ageMs >= 0 && ageMs < FRESH_MS
  }

  async function refresh(credential: Credential, identity: string): Promise<Catalogue> {
    const old = known(identity)
    try {
      memory = await fetchSnapshot(credential, identity, old)
      cache.write(memory)
      return { models: memory.models, source: 'live' }
    } catch (error) {
      log.event('models_failed', { reason: codeOf(error) })
      return copyOf(old)
    }
  }

  function ask({ baseUrl, headers, asking }: Credential, version: string, etag?: string, signal?: AbortSignal) {
    return http.send({
      method: 'GET',
      url: `${baseUrl}/models${asking.modelsQuery(version)}`,
      headers: { ...headers, accept: 'application/json', ...(etag === undefined ? {} : { 'if-none-match': etag }) },
      headerTimeoutMs: TIMEOUT_MS,
      signal,
    })
  }

  async function fetchSnapshot(credential: Credential, identity: string, old: Snapshot | undefined): Promise<Snapshot> {
    const answer = await ask(credential, config.clientVersion, old?.etag)
    if (answer.status === 304 && old !== undefined) return { ...old, fetchedAt: clock.now() }
    const text = await readText(answer.body, { maxBytes: MAX_BYTES, limitMs: TIMEOUT_MS })
    const models = credential.asking.readModels(parseJson(text))
    // An empty list with status 200 means that our compatibility level is too old for every model.
    if (answer.status !== 200 || models.length === 0) {
      throw new CodexError('RESPONSE_INVALID', `The model list was not usable (${answer.status}).`)
    }
    return { identity, etag: answer.headers.get('etag') ?? undefined, fetchedAt: clock.now(), models }
  }

  /** One request at a time for the same list, whoever asks. A cancel of one caller does not end it for the others. */
  function shared(credential: Credential, identity: string): Promise<Catalogue> {
    const flight = running.get(identity) ?? refresh(credential, identity).finally(() => running.delete(identity))
    running.set(identity, flight)
    return flight
  }

  async function fetchWhole(credential: Credential, identity: string, signal: AbortSignal | undefined) {
    try {
      const { status, body } = await ask(credential, ANY_VERSION, undefined, signal)
      const text = await readText(body, { maxBytes: MAX_BYTES, limitMs: TIMEOUT_MS, signal })
      const models = status === 200 ? credential.asking.readModels(parseJson(text)) : []
      if (models.length > 0) whole = { identity, fetchedAt: clock.now(), models }
      return models
    } catch (error) {
      if (isCodexError(error, 'CANCELLED')) throw error
      log.event('models_failed', { reason: codeOf(error) })
      return []
    }
  }

  /** The work's outcome, or another one where it takes longer than a question should wait. */
  async function soon<T>(work: Promise<T>, otherwise: () => T): Promise<T> {
    // A wait that nobody needs any more would keep a command from ending.
    const here = new AbortController()
    const live = work.finally(() => here.abort())
    const late = clock.sleep(QUERY_TIMEOUT_MS, here.signal).then(otherwise, () => live)
    return Promise.race([live, late])
  }

  return {
    async list(credential, signal) {
      if (credential === undefined) return BUILT_IN
      const identity = identityOf(credential, config.clientVersion)
      const snapshot = known(identity)
      if (snapshot !== undefined && isFresh(snapshot)) return copyOf(snapshot)
      return raceSignal(shared(credential, identity), signal)
    },

    async forQuery(credential, signal) {
      const identity = identityOf(credential, config.clientVersion)
      const snapshot = known(identity)
      if (snapshot === undefined || snapshot.fetchedAt === OUTDATED) {
        return soon(raceSignal(shared(credential, identity), signal), () => copyOf(snapshot))
      }
      if (!isFresh(snapshot)) void shared(credential, identity)
      return copyOf(snapshot)
    },

    async renew(credential, signal) {
      const identity = identityOf(credential, config.clientVersion)
      const snapshot = known(identity)
      if (snapshot !== undefined) {
        // Whoever reads the copy meanwhile, in another window too, is not to trust it.
        memory = { ...snapshot, fetchedAt: OUTDATED }
        cache.write(memory)
      }
      return soon(raceSignal(shared(credential, identity), signal), () => copyOf(snapshot))
    },

    async everything(credential, signal) {
      const identity = identityOf(credential, ANY_VERSION)
      if (whole?.identity === identity && isFresh(whole)) return whole.models
      const giveUp = new AbortController()
      const either = AbortSignal.any([giveUp.signal, ...(signal === undefined ? [] : [signal])])
      return soon(fetchWhole(credential, identity, either), () => {
        // What nobody waits for any more would keep a command from ending.
        giveUp.abort()
        return []
      })
    },
  }
}

function copyOf(snapshot: Snapshot | undefined): Catalogue {
  return snapshot === undefined ? BUILT_IN : { models: snapshot.models, source: 'cached' }
}

/**
 * The model of a question that names none: visible, lowest priority number (facts: wire-protocol 16); for the plan,
 * where no default is documented, the first that is listed (facts: plan-usage 3.1).
 */
export function defaultModel(catalogue: Catalogue, configured: string | undefined): string {
  const first = catalogue.models.find((model) => !model.hidden) ?? catalogue.models[0] ?? BUILTIN_MODELS[0]
  return configured ?? first?.id ?? ''
}

function identityOf(credential: Credential, clientVersion: string): string {
  return digestOf([...ownerParts(credential), clientVersion])
}

function readSnapshot(value: unknown, identity: string): Snapshot | undefined {
  const fetchedAt = numberField(value, 'fetchedAt')
  const models = fieldOf(value, 'models')
  if (textField(value, 'identity') !== identity || fetchedAt === undefined || !isModelList(models)) return undefined
  // A list from before the windows were kept would be confirmed as unchanged for ever, and never get them.
  const isWhole = models.some(({ contextWindow }) => contextWindow !== undefined)
  const etag = isWhole ? textField(value, 'etag') : undefined
  // One that no header may carry would make every request fail, and so stay for ever.
  return { identity, etag: /^[!-~]{1,1000}$/.test(etag ?? '') ? etag : undefined, fetchedAt, models }
}
