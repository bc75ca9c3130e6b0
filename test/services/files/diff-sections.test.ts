import { spawnSync } from 'node:child_process'
import { chmodSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createGit } from '../../../src/infrastructure/git.ts'
import { readDiffArgument } from '../../../src/infrastructure/git-range.ts'
import { diffSections, newFileSection } from '../../../src/services/files/diff-sections.ts'
import { gitRepo } from '../../support/git-repo.ts'
import { tempFolder } from '../../support/temp-folder.ts'

const git = createGit()
const sectionsOf = async (folder: string, what: string) => diffSections(await git.diff(folder, readDiffArgument(what)))

test('every kind of change has its names', async () => {
  const { folder, commit, git: run, write } = gitRepo()
  const many = Array.from({ length: 20 }, (_, index) => `line ${index}\n`).join('')
  commit({
    changed: '1\n',
    gone: 'gone\n',
    moved: many,
    'moved and changed': many,
    mode: 'm',
    binary: 'b\0',
    kind: 'k',
  })
  run('mv', 'moved', 'to')
  run('mv', 'moved and changed', 'to another')
  write({ changed: '2\n', empty: '', new: 'new\n', 'to another': `${many}more\n`, binary: 'c\0', 'new binary': '\0' })
  rmSync(join(folder, 'gone'))
  chmodSync(join(folder, 'mode'), 0o755)
  run('add', '-A')
  const sections = await sectionsOf(folder, 'staged')
  expect(sections.map(({ names }) => names.join(' -> ')).sort()).toEqual([
    'binary',
    'changed',
    'empty',
    'gone',
    'mode',
    'moved -> to',
    'moved and changed -> to another',
    'new',
    'new binary',
  ])
  expect(sections.map(({ text }) => text).join('')).toBe(await git.diff(folder, { kind: 'staged' }))
})

test('names come out as they are, however odd', async () => {
  const { folder, commit } = gitRepo()
  const odd = ['a b', 'tab\there', 'new\nline', 'quo"te', 'back\\slash', 'größe', '-p', '\x01\x7f', 'b/x', ' b', 'x b']
  commit()
  commit(Object.fromEntries(odd.map((name) => [name, 'x\n'])))
  expect((await sectionsOf(folder, 'HEAD~1..')).flatMap(({ names }) => names).sort()).toEqual([...odd].sort())
  for (const name of odd) spawnSync('chmod', ['+x', '--', join(folder, name)])
  expect((await sectionsOf(folder, 'working')).flatMap(({ names }) => names).sort()).toEqual([...odd].sort())
})

test('a file cannot begin a section', async () => {
  const { folder, commit } = gitRepo()
  const lines = [
    'diff --git a/.env b/.env',
    '--- a/.env',
    '+++ b/.env',
    '@@ -1 +1 @@',
    '* Unmerged path x',
    'rename from x',
  ]
  commit({ a: `${lines.join('\n')}\n`, b: `x\r${lines.join('\r')}\n` })
  commit({ a: `new\n${lines.join('\n')}\nnew\n`, b: 'x\u2028diff --git a/y b/y\n' })
  const sections = await sectionsOf(folder, 'HEAD~1..')
  expect(sections.map(({ names }) => names)).toEqual([['a'], ['b']])
})

test('files in conflict have theirs too', async () => {
  const { folder, commit, git: run } = gitRepo()
  commit({ 'a b': '1' })
  run('checkout', '-q', '-b', 'other')
  commit({ 'a b': '2' })
  run('checkout', '-q', 'main')
  commit({ 'a b': '3' })
  expect(() => run('merge', 'other')).toThrow()
  for (const what of ['staged', 'working']) {
    expect(new Set((await sectionsOf(folder, what)).flatMap(({ names }) => names))).toEqual(new Set(['a b']))
  }
})

test('what cannot be read has no names, and nothing has no sections', () => {
  expect(diffSections('diff --git a/x b/y\nsomething new\n')).toMatchObject([{ names: [] }])
  expect(diffSections('')).toEqual([])
})

describe('a new file looks as git would show it', () => {
  test.each([
    ['plain', 'one\ntwo\n'],
    ['one', 'one\n'],
    ['empty', ''],
    ['no end', 'one\ntwo'],
    ['CRLF', 'one\r\ntwo\r\n'],
    ['new\nline "x" \\ größe', 'one\n'],
  ])('%j', (name, text) => {
    const { folder, git: run } = gitRepo(tempFolder())
    const repo = gitRepo(folder)
    repo.write({ [name]: text })
    run('add', '-A')
    const shown = run('-c', 'core.quotePath=false', 'diff', '--cached').replace(/^index .*\n/m, '')
    const lines = text.split('\n')
    const isEnded = lines.at(-1) === ''
    expect(newFileSection(name, isEnded ? lines.slice(0, -1) : lines, isEnded)).toBe(shown)
  })
})
