import { type CodexError, isCodexError, unexpected } from '../../errors.ts'
import type { Credentials } from '../login/credentials.ts'
import { inWords } from '../sign-in/login-sentence.ts'
import type { AccountStatus, ReadStatus } from '../status/account-status.ts'
import type { UsageMeter } from './usage-meter.ts'
import type { KnownUsage } from './usage-snapshot.ts'
import { usageStatus } from './usage-status.ts'

export interface StatusWithUsageDeps {
  readStatus: ReadStatus
  credentials: Pick<Credentials, 'current'>
  meter: Pick<UsageMeter, 'last' | 'ask'>
  configProblem: CodexError | undefined
  now: () => number
}

/** The status, and how much of the plan is used: as the service says it, if it is to be asked, else as it said last. */
export function createStatusWithUsage(deps: StatusWithUsageDeps): ReadStatus {
  const { readStatus, credentials, meter, configProblem, now } = deps

  /** How it went to ask: what the service says, or why it does not. @throws CodexError CANCELLED */
  async function ask({ asking }: AccountStatus, signal: AbortSignal | undefined): Promise<Asked> {
    // No token is renewed for a question that nobody answers.
    if (asking?.tellsUsage === false) return { asked: false, ...elsewhere(asking.usageElsewhere) }
    let asked = false
    try {
      // Where settings are not usable, nobody knows which service would be asked.
      if (configProblem !== undefined) throw configProblem
      const credential = await credentials.current(signal)
      const { usageUrl, usageElsewhere } = credential.asking
      asked = usageUrl(credential.baseUrl) !== undefined
      const known = await meter.ask(credential, signal)
      return known === undefined ? { asked, ...elsewhere(usageElsewhere) } : { asked, known }
    } catch (cause) {
      if (isCodexError(cause, 'CANCELLED')) throw cause
      const error = isCodexError(cause) ? cause : unexpected(cause)
      return { asked, trouble: `${inWords(error)} [${error.code}]` }
    }
  }

  return async ({ usage = false, signal } = {}) => {
    const before = await readStatus()
    const outcome: Asked = usage ? await ask(before, signal) : { asked: false }
    // Asking may have renewed the login.
    const status = outcome.asked ? await readStatus() : before
    const known = outcome.known ?? lastKnown(status)
    return { ...status, usage: usageStatus({ ...outcome, known }, now()) }
  }

  function lastKnown({ asking, account }: AccountStatus): KnownUsage | undefined {
    return asking?.tellsUsage ? meter.last({ accountId: account?.accountId }) : undefined
  }
}

interface Asked {
  asked: boolean
  known?: KnownUsage
  trouble?: string
  manage?: string
}

function elsewhere({ message, manage }: { message: string; manage?: string }): Pick<Asked, 'trouble' | 'manage'> {
  return { trouble: message, ...(manage === undefined ? {} : { manage }) }
}
