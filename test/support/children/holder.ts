/** Takes the lock of a file, says so, and never comes back from its work: `holder <file>`. */
import { withFileLock } from '../../../src/infrastructure/file-lock.ts'
import { report } from './parent.ts'

await withFileLock(process.argv[2] ?? '', () => {
  report('holding')
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60_000)
})
