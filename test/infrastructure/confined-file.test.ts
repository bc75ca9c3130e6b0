import { spawnSync } from 'node:child_process'
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readConfined } from '../../src/infrastructure/confined-file.ts'
import { writeFiles } from '../support/git-repo.ts'
import { tempFolder } from '../support/temp-folder.ts'

const CHANGED = { reason: 'was replaced while it was read' }

test('a file is read whole', async () => {
  const file = join(tempFolder(), 'file')
  writeFileSync(file, 'all of it')
  expect(await readConfined(file, 9)).toEqual({ bytes: Buffer.from('all of it') })
  expect(await readConfined(file, 8)).toEqual({ reason: 'is larger than 0.000008 MB' })
})

test('one that another program has replaced by rename is read as it is now', async () => {
  const folder = tempFolder()
  writeFiles(folder, { file: 'old', new: 'new' })
  renameSync(join(folder, 'new'), join(folder, 'file'))
  expect(await readConfined(join(folder, 'file'), 9)).toEqual({ bytes: Buffer.from('new') })
})

test('between check and read a link has come in its place, or in that of its folder, or it is gone', async () => {
  const folder = tempFolder()
  writeFiles(folder, { 'project/sub/file': 'fine', 'outside/file': 'secret' })
  const path = join(folder, 'project', 'sub', 'file')
  expect(await readConfined(path, 9)).toEqual({ bytes: Buffer.from('fine') })
  rmSync(path)
  expect(await readConfined(path, 9)).toEqual(CHANGED)
  symlinkSync(join(folder, 'outside', 'file'), path)
  expect(await readConfined(path, 9)).toEqual(CHANGED)
  rmSync(join(folder, 'project', 'sub'), { recursive: true })
  symlinkSync(join(folder, 'outside'), join(folder, 'project', 'sub'))
  expect(await readConfined(path, 9)).toEqual(CHANGED)
  rmSync(join(folder, 'project', 'sub'))
  writeFileSync(join(folder, 'project', 'sub'), '')
  expect(await readConfined(path, 9)).toEqual(CHANGED)
})

test.runIf(process.platform !== 'win32')('or a named pipe, which keeps nobody waiting, or a folder', async () => {
  const folder = tempFolder()
  spawnSync('mkfifo', [join(folder, 'pipe')])
  mkdirSync(join(folder, 'folder'))
  expect(await readConfined(join(folder, 'pipe'), 9)).toEqual({ reason: 'is not a regular file' })
  expect(await readConfined(join(folder, 'folder'), 9)).toEqual({ reason: 'is not a regular file' })
})
