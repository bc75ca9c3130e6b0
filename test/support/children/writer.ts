/**
 * Replaces a file again and again with whole JSON texts of different lengths, and reports when the first one is there
 * and how it ended: `writer <file> [times]`.
 */
import { replaceFile } from '../../../src/infrastructure/atomic-file.ts'
import { errnoOf } from '../../../src/infrastructure/errno.ts'
import { finish, ready, report } from './parent.ts'

const [file = '', times = 'Infinity'] = process.argv.slice(2)
await ready()
try {
  for (let n = 1; n <= Number(times); n++) {
    replaceFile(file, JSON.stringify({ codex: { access_token: 'a'.repeat(1 + ((n * 7919) % 60_000)) } }))
    if (n === 1) report('writing')
  }
  finish('done')
} catch (error) {
  finish(errnoOf(error))
}
