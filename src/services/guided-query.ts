import { CodexError, isCodexError } from '../errors.ts'
import type { ReadStatus } from './account-status.ts'
import type { CodexClient, QueryOptions, QueryResult } from './codex-client.ts'
import type { Question } from './codex-request.ts'
import type { SignIn } from './sign-in.ts'
import type { PendingLogin } from './sign-in-view.ts'
import type { OfferAddress } from './sign-in-wait.ts'

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
  signIn: SignIn
  readStatus: ReadStatus
}

export function createGuidedQuery({ client, signIn, readStatus }: GuidedQueryDeps): GuidedQuery {
  /** A key or token that is refused, or a login that cannot be opened, wants mending and not another login. */
  async function isSignedOut(): Promise<boolean> {
    const { method, authenticated, storageProblem } = await readStatus()
    return (method === 'none' && storageProblem === undefined) || (method === 'chatgpt' && !authenticated)
  }

  return async (question, options) => {
    const { offer, onSignIn: onProgress, signal } = options
    try {
      return await client.query(question, options)
    } catch (error) {
      if (offer === undefined || !isCodexError(error, 'NOT_AUTHENTICATED') || !(await isSignedOut())) throw error
      const outcome = await signIn.login({ force: false, offer, offersAgain: true, signal, onProgress })
      if (outcome.status === 'pending') throw notYet(error, outcome)
      // Nothing has changed since the service refused this login.
      if (!outcome.fresh) throw error
    }
    return client.query(question, options)
  }
}

/** The way on is in the error itself: a client that shows it need not ask for more. */
function notYet(cause: CodexError, { reason, url, userCode }: PendingLogin): CodexError {
  const code = userCode === undefined ? '' : ` and enter the code ${userCode}`
  const open = url === undefined ? 'Finish it there' : `It stays open: open ${url}${code}`
  return new CodexError('NOT_AUTHENTICATED', `${cause.message} ${reason}`, {
    hint: `${open}, then ask again; codex_login tells how the sign-in stands.`,
    cause,
  })
}
