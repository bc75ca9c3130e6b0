/** Reports what a doctor says about the folder of a credentials file, as whoever runs this: `inspects <file>`. */
import { createClaimStore } from '../../../src/infrastructure/claim.ts'
import { systemClock } from '../../../src/infrastructure/clock.ts'
import { createTokenStorage } from '../../../src/infrastructure/token-storage.ts'
import { CODEX_LOGIN } from '../../../src/services/login/login-route.ts'
import { createGuard } from '../../../src/services/status/doctor-check.ts'
import { checkFiles } from '../../../src/services/status/doctor-files.ts'
import { aVault } from '../vaults.ts'
import { finish } from './parent.ts'

const file = process.argv[2] ?? ''
const storage = createTokenStorage({ file, vault: aVault(), now: Date.now })
const claims = createClaimStore({ base: () => file, now: Date.now })
const { platform } = process
const checks = await checkFiles(
  { clock: systemClock, machine: { platform } },
  { all: [{ route: CODEX_LOGIN, storage, claims }], stored: [] },
  createGuard(systemClock, undefined),
)
const lines = checks.filter(({ name }) => name === 'folder')
finish(lines.map(({ state, finding, remedy }) => `${state}: ${finding} → ${remedy}`))
