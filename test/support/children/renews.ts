/** Tries twice to renew what is stored and reports both outcomes: `renews <file> <issuer>`. */
import { CodexError } from '../../../src/errors.ts'
import { createClaimStore } from '../../../src/infrastructure/claim.ts'
import { systemClock } from '../../../src/infrastructure/clock.ts'
import { createHttpClient } from '../../../src/infrastructure/http-client.ts'
import { createTokenStorage, type TokenRecord } from '../../../src/infrastructure/token-storage.ts'
import { createTokenRefresher } from '../../../src/services/login/token-refresh.ts'
import { createOAuthFlow } from '../../../src/services/oauth/oauth-flow.ts'
import { aVault } from '../vaults.ts'
import { finish } from './parent.ts'

const [file = '', issuer = ''] = process.argv.slice(2)
const { now } = systemClock
const log = { event: () => {} }
const storage = createTokenStorage({ vault: aVault(), file, now })
const config = { issuer, clientId: 'app_EMoamEEZ73f0CkXaXp7hrann', originator: 'codex-oauth' }
const http = createHttpClient({ fetch, log })
const refresher = createTokenRefresher({
  storage,
  claims: createClaimStore({ base: () => file, now }),
  oauth: createOAuthFlow({ config, http, userAgent: 'codex-oauth/test', now }),
  clock: systemClock,
  random: Math.random,
  log,
})

async function outcome(): Promise<string> {
  try {
    await refresher.renew(storage.read().record as TokenRecord, 'proactive_expiry')
    return 'renewed'
  } catch (error) {
    return error instanceof CodexError ? `${error.code} ${error.message}` : String(error)
  }
}
finish([await outcome(), await outcome()])
