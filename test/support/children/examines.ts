/** Writes what a doctor says about the machine it runs on, as JSON: `examines <port>`. */
import { systemClock } from '../../../src/infrastructure/clock.ts'
import { createGuard } from '../../../src/services/status/doctor-check.ts'
import { checkMachine } from '../../../src/services/status/doctor-machine.ts'

const { platform, arch, versions, env } = process
const checks = await checkMachine(
  {
    config: { ports: [Number(process.argv[2])], openBrowser: true, planPort: undefined },
    configProblem: undefined,
    surroundings: { place: 'desk', hasBrowser: true },
    machine: { nodeVersion: versions.node, platform, arch, searchPath: env.PATH, browser: undefined, home: '/nowhere' },
    version: '0.0.0-test',
  },
  createGuard(systemClock, undefined),
)
process.stdout.write(JSON.stringify(checks))
