import { CodexError } from '../../errors.ts'
import { settledText } from '../../infrastructure/settled-text.ts'
import { createSharedJson } from '../../infrastructure/shared-json.ts'
import { createRandomUuid } from '../../infrastructure/uuid.ts'
import { fieldOf, numberField, textField } from '../codex/remote-text.ts'
import { isIssuedClient } from './plan-client.ts'

/** Whom a sign-in is for: the client id this installation was given, and whose it is once that has been seen. */
export interface Registered {
  clientId: string
  /** The `sub` of the ID token; undefined until a sign-in with this id has succeeded. */
  subject: string | undefined
}

/**
 * What this installation is at OpenAI. A registration costs the user a consent and is bound to one account and
 * workspace, so it outlives sign-outs and failed sign-ins (facts: plan-usage 2.8, 2.9). None of it is secret.
 */
export interface PlanRegistration {
  /** Where it lies, whether it is there or not. */
  files: { hostId: string; registration: string }
  /**
   * The id of this host, `urn:uuid:…`, made at the first call and never replaced (facts: plan-usage 2.2).
   *
   * @throws CodexError STORAGE_CORRUPT, STORAGE_FAILED
   */
  hostId(): string
  /**
   * The issued client id for the next sign-in; undefined when that has to register. `anew`: the user has asked for
   * another registration, so only one whose sign-in has just failed half-way counts.
   *
   * @throws CodexError STORAGE_CORRUPT, STORAGE_FAILED
   */
  clientFor(anew: boolean): Registered | undefined
  /**
   * Keeps an id that has just been issued. It comes before the code is redeemed, because nobody gets it back when
   * that fails (facts: plan-usage 2.4).
   *
   * @throws CodexError STORAGE_CORRUPT, STORAGE_FAILED, STORAGE_LOCKED
   */
  keepPending(clientId: string): Promise<void>
  /** Proves that an id can be kept now: when one has been issued it would be too late. @throws CodexError STORAGE_FAILED */
  rehearse(): void
  /** A sign-in has succeeded: from now on this is the registration. @throws as `keepPending` */
  confirm(registered: { clientId: string; subject: string }): Promise<void>
  /** Forgets an id without a sign-in that the service does not know; others stay. @throws as `keepPending` */
  drop(clientId: string): Promise<void>
  /** Whether the user has seen what has to be told once. @throws CodexError STORAGE_CORRUPT, STORAGE_FAILED */
  isNoticeShown(): boolean
  /** @throws as `keepPending` */
  noticeShown(): Promise<void>
}

export interface PlanRegistrationDeps {
  /** Where the files of this installation lie. */
  folder: string
  randomBytes: (size: number) => Buffer
  now: () => number
}

/** How long a registration without a sign-in is the one the user has just asked for. */
const HALF_WAY_MS = 600_000

export function createPlanRegistration({ folder, randomBytes, now }: PlanRegistrationDeps): PlanRegistration {
  const hostFile = `${folder}/plan-host-id`
  const registrationFile = `${folder}/plan-registration.json`
  const file = createSharedJson({ file: registrationFile, now })

  return {
    files: { hostId: hostFile, registration: registrationFile },

    hostId() {
      const make = () => `urn:uuid:${createRandomUuid(randomBytes)}\n`
      const id = settledText(hostFile, { make, isWhole: (text) => isHostId(text.trim()) }).trim()
      if (!isHostId(id)) throw noHostId(hostFile)
      return id
    },

    clientFor(anew) {
      const stored = file.read()
      const pending = pendingIn(stored)
      if (!anew) return currentIn(stored) ?? pending?.registered
      const ageMs = pending === undefined ? Number.NaN : now() - pending.madeAt
      return ageMs >= 0 && ageMs < HALF_WAY_MS ? pending?.registered : undefined
    },

    async keepPending(clientId) {
      // Rounded down: one made in the future would not be young.
      const pending = { client_id: clientId, made_at: Math.floor(now() / 1000) }
      await file.change((stored) => (currentIn(stored)?.clientId === clientId ? stored : { ...stored, pending }))
    },

    rehearse: () => file.rehearse(),

    async confirm({ clientId, subject }) {
      await file.change((stored) => ({ ...without(stored, clientId), current: { client_id: clientId, subject } }))
    },

    drop: (clientId) => file.change((stored) => without(stored, clientId)),

    isNoticeShown: () => fieldOf(file.read(), 'notice_shown') === true,

    noticeShown: () => file.change((stored) => ({ ...stored, notice_shown: true })),
  }
}

type Stored = Readonly<Record<string, unknown>>

function isHostId(text: string): boolean {
  return /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(text)
}

function currentIn(stored: Stored): Registered | undefined {
  const current = fieldOf(stored, 'current')
  const clientId = issuedIn(current)
  return clientId === undefined ? undefined : { clientId, subject: textField(current, 'subject') }
}

function pendingIn(stored: Stored): { registered: Registered; madeAt: number } | undefined {
  const pending = fieldOf(stored, 'pending')
  const clientId = issuedIn(pending)
  if (clientId === undefined) return undefined
  return { registered: { clientId, subject: undefined }, madeAt: (numberField(pending, 'made_at') ?? 0) * 1000 }
}

/** What somebody has written into the file by hand goes into addresses, too. */
function issuedIn(value: unknown): string | undefined {
  const clientId = textField(value, 'client_id')
  return clientId !== undefined && isIssuedClient(clientId) ? clientId : undefined
}

/** Another id stays pending: it is that of a sign-in in another window. */
function without(stored: Stored, clientId: string): Stored {
  if (pendingIn(stored)?.registered.clientId !== clientId) return stored
  const { pending: _, ...rest } = stored
  return rest
}

function noHostId(file: string): CodexError {
  return new CodexError('STORAGE_CORRUPT', `${file} is damaged: it does not hold the id of this host.`, {
    hint: 'Remove it, then sign in again: a new one is made.',
  })
}
