/** Has the lock of a file taken from it while it works, and ends a moment later: `loses-lock <file>`. */
import { mkdirSync, rmdirSync } from 'node:fs'
import { withFileLock } from '../../../src/infrastructure/file-lock.ts'
import { report } from './parent.ts'

const lock = `${process.argv[2]}.lock`
await withFileLock(process.argv[2] ?? '', () => {
  rmdirSync(lock)
  mkdirSync(lock)
})
report('lost')
process.exit(0)
