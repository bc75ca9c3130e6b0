import { mkdirSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { expect, test } from 'vitest'
import { findProgram } from '../../src/infrastructure/find-program.ts'
import { tempFolder } from '../support/temp-folder.ts'

test('the first name that can be started wins, wherever it lies', () => {
  const [one, two] = [tempFolder(), tempFolder()]
  writeFileSync(join(two, 'second'), '', { mode: 0o755 })
  writeFileSync(join(one, 'third'), '', { mode: 0o755 })
  const path = [one, '', '/nowhere', two].join(delimiter)
  expect(findProgram(['first', 'second', 'third'], path)).toBe('second')
  expect(findProgram([join(one, 'third'), 'second'], path)).toBe(join(one, 'third'))
  expect(findProgram(['first'], path)).toBeUndefined()
  expect(findProgram(['second'], undefined)).toBeUndefined()
})

test.runIf(process.platform !== 'win32')('a folder, and a file that may not be started, are no programs', () => {
  const folder = tempFolder()
  mkdirSync(join(folder, 'one'))
  writeFileSync(join(folder, 'two'), '', { mode: 0o644 })
  expect(findProgram(['one', 'two'], folder)).toBeUndefined()
})
