import { EventEmitter, once } from 'node:events'
import type { LoginRequest, SignedIn, SignInHere, SignInOutcome, SignInPending } from '../../src/cli/login.ts'
import { CodexError } from '../../src/errors.ts'

/** A sign-in for what the command line does with it: every call waits until the test says how it goes on. */
export interface FakeSignIn extends SignInHere {
  /** What was asked, without the signal and the way to tell progress. */
  calls: { force: boolean; method?: string; callbackUrl?: string; openBrowser?: boolean }[]
  /** Resolves when so many calls have come. */
  called(count: number): Promise<void>
  /** Ends the oldest call that waits. */
  answer(outcome: SignInOutcome | CodexError): void
  /** What the last call says meanwhile. */
  tell(message: string): void
  state: ReturnType<SignInHere['view']>
}

export const PENDING: SignInPending = {
  status: 'pending',
  method: 'browser',
  reason: 'No browser can be seen over SSH.',
  url: 'https://auth.example.com/authorize?x=1',
  userCode: undefined,
  expiresAt: Date.now() + 300_000,
  opened: false,
}

export const SIGNED_IN: SignedIn = {
  status: 'authenticated',
  account: { email: 'person@example.com', accountId: 'acct-1', plan: 'pro' },
  fresh: true,
}

export function createFakeSignIn(): FakeSignIn {
  const calls: FakeSignIn['calls'] = []
  const waiting: { resolve: (outcome: SignInOutcome) => void; reject: (error: Error) => void }[] = []
  const events = new EventEmitter()
  let last: LoginRequest | undefined
  const fake: FakeSignIn = {
    calls,
    state: undefined,
    view: () => fake.state,
    login(request) {
      const { signal, onProgress: _, ...asked } = request
      last = request
      calls.push(asked)
      events.emit('call')
      return new Promise((resolve, reject) => {
        waiting.push({ resolve, reject })
        signal.addEventListener('abort', () => reject(new CodexError('CANCELLED', 'The call was cancelled.')))
      })
    },
    async called(count) {
      while (calls.length < count) await once(events, 'call')
    },
    answer(outcome) {
      const call = waiting.shift()
      if (outcome instanceof CodexError) call?.reject(outcome)
      else call?.resolve(outcome)
    },
    tell: (message) => last?.onProgress?.(message),
  }
  return fake
}
