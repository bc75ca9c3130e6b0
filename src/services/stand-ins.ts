import { CodexError } from '../errors.ts'
import type { IdClaims } from './id-claims.ts'
import type { SignIn } from './sign-in.ts'

/** What the command line needs and other parts will give; each is replaced in `app.ts` when it is there. */
export interface StandIns {
  signIn: {
    login(options: StandInRequest): Promise<StandInOutcome>
    view: SignIn['view']
  }
  storeApiKey(raw: string, signal?: AbortSignal): Promise<{ models: number }>
  doctor(signal?: AbortSignal): Promise<{ checks: readonly never[] }>
}

interface StandInRequest {
  force: boolean
  callbackUrl?: string
  signal: AbortSignal
  onProgress?: (message: string) => void
}

type StandInOutcome =
  | { status: 'authenticated'; account: IdClaims; fresh: boolean }
  | {
      status: 'pending'
      method: 'browser'
      reason: string
      url: string
      userCode: undefined
      port: number
      expiresAt: number
      opened: boolean
    }

export function createStandIns(signIn: SignIn): StandIns {
  return {
    signIn: {
      async login({ callbackUrl, ...options }) {
        if (callbackUrl !== undefined) {
          throw new CodexError('INPUT_INVALID', 'That is not the address the browser was sent to.')
        }
        const outcome = await signIn.login(options)
        if (outcome.status === 'authenticated') return outcome
        const { url, port, expiresAt, browser } = outcome
        const reason = browser.opened ? 'A browser was opened.' : browser.reason
        const rest = { userCode: undefined, opened: browser.opened }
        return { status: 'pending', method: 'browser', reason, url, port, expiresAt, ...rest }
      },
      view: () => signIn.view(),
    },
    storeApiKey: () => Promise.reject(new CodexError('CODEX_FAILED', 'API keys cannot be stored yet.')),
    doctor: async () => ({ checks: [] }),
  }
}
