import { CodexError, isCodexError, reworded } from '../../errors.ts'
import type { CodexClient, QueryOptions, QueryResult } from '../codex/codex-client.ts'
import type { Question } from '../codex/codex-request.ts'
import { ACCOUNT } from '../login/credential-name.ts'
import type { RouteName } from '../login/login-route.ts'
import { DOCUMENTED_WAY } from '../plan/plan-words.ts'
import type { ReadStatus } from '../status/account-status.ts'
import type { LoginOutcome, PendingLogin } from './sign-in-view.ts'
import type { OfferAddress } from './sign-in-wait.ts'
import type { SignIns } from './sign-ins.ts'

export interface GuidedQueryOptions extends QueryOptions {
  /** Shows the user an address; without it nobody is asked to sign in. */
  offer?: OfferAddress | undefined
  /** What a sign-in that is waited for has to say. */
  onSignIn?: ((message: string) => void) | undefined
}

/**
 * Asks a question; where nobody is signed in and the user can be shown an address, the sign-in comes first and the
 * question is then answered in the same call.
 *
 * @throws as `CodexClient.query` and `SignIn.login`; NOT_AUTHENTICATED when the sign-in is not over within one wait
 */
export type GuidedQuery = (question: Question, options: GuidedQueryOptions) => Promise<QueryResult>

export interface GuidedQueryDeps {
  client: CodexClient
  signIn: Pick<SignIns, 'login' | 'view'>
  readStatus: ReadStatus
}

export function createGuidedQuery({ client, signIn, readStatus }: GuidedQueryDeps): GuidedQuery {
  /**
   * Whether another login would help, and which: a key or token that is refused, or a login that cannot be opened,
   * wants mending. Whoever has a login is asked to sign in to that one, because another is paid in another way; unless
   * they have opened a sign-in themselves.
   */
  async function signedOut(): Promise<{ route: RouteName | undefined } | undefined> {
    const { source, authenticated, storageProblem, route } = await readStatus()
    const isNobody = source === undefined && storageProblem === undefined
    const isOpen = signIn.view()?.state === 'pending'
    return isNobody || (source === ACCOUNT && !authenticated) ? { route: isOpen ? undefined : route } : undefined
  }

  return async (question, options) => {
    const { offer, onSignIn: onProgress, signal } = options
    try {
      return await client.query(question, options)
    } catch (error) {
      const out = isCodexError(error, 'NOT_AUTHENTICATED') && offer !== undefined ? await signedOut() : undefined
      if (out === undefined || !isCodexError(error)) throw error
      const outcome = await signIn.login({ ...out, force: false, offer, offersAgain: true, signal, onProgress })
      if (outcome.status === 'pending') throw notYet(error, outcome, out.route)
      // Nothing has changed since the service refused this login.
      if (!outcome.fresh) throw error
      const { notes = [] } = outcome
      const answer = await client.query(question, options).catch((failure: unknown) => {
        throw withNotes(failure, notes)
      })
      return { ...answer, notes: [...notes.map(withoutStop), ...answer.notes] }
    }
  }
}

/** What is told once is told with an error too. */
function withNotes(error: unknown, notes: readonly string[]): unknown {
  if (!isCodexError(error) || notes.length === 0) return error
  const { message, hint = '' } = error
  const untold = notes.filter((note) => !`${message} ${hint}`.includes(note))
  return reworded(error, { hint: [hint, ...untold].join(' ').trim() })
}

/** Notes end as those who show them like it. */
function withoutStop(sentence: string): string {
  return sentence.replace(/\.$/, '')
}

/** The way on is in the error itself: a client that shows it need not ask for more. */
function notYet(
  cause: CodexError,
  { reason, url, userCode, notes = [] }: PendingLogin & Pick<LoginOutcome, 'notes'>,
  meant: RouteName | undefined,
): CodexError {
  const code = userCode === undefined ? '' : ` and enter the code ${userCode}`
  const open = url === undefined ? 'Finish it there' : `It stays open: open ${url}${code}`
  // Whoever has a login is not offered another one.
  const otherWay = meant === undefined ? ` ${DOCUMENTED_WAY}` : ''
  return new CodexError('NOT_AUTHENTICATED', [cause.message, ...notes, reason].join(' '), {
    hint: `${open}, then ask again; codex_login tells how the sign-in stands.${otherWay}`,
    cause,
  })
}
