/** Takes and gives back the lock of a file again and again, and ends on SIGTERM or after so many ms: `locks <file> <ms>`. */
import { withFileLock } from '../../../src/infrastructure/file-lock.ts'
import { report } from './parent.ts'

const [, , file = '', ms = ''] = process.argv

process.on('SIGTERM', () => process.exit(0))
let turns = 0
await withFileLock(file, () => {})
report('begun')
setTimeout(() => process.exit(0), Number(ms))
for (;;) {
  await withFileLock(file, () => (turns += 1), { random: () => 0 })
  // So that timers and signals have their turn.
  await new Promise((resolve) => setImmediate(resolve))
}
