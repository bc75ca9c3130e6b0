import { chmodSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createFileLister } from '../../src/infrastructure/file-list.ts'
import { createGit } from '../../src/infrastructure/git.ts'
import { errorOf } from '../support/error-of.ts'
import { gitRepo, writeFiles } from '../support/git-repo.ts'
import { tempFolder } from '../support/temp-folder.ts'

const lister = createFileLister(createGit())
const list = async (root: string, base = '') => [...(await lister(root, base))].sort()

test('in a work tree: all that git does not ignore, wherever a pattern begins', async () => {
  const { folder, commit, write } = gitRepo()
  commit({ 'src/a.ts': '', '.gitignore': 'dist', 'b.md': '' })
  write({ 'dist/x.js': '', 'src/new.ts': '' })
  const all = ['.gitignore', 'b.md', 'src/a.ts', 'src/new.ts']
  expect(await list(folder)).toEqual(all)
  expect(await list(folder, 'src')).toEqual(all)
  expect(await list(join(folder, 'src'))).toEqual(['a.ts', 'new.ts'])
})

test('with the repositories in it, each by its own rules, and not those that are ignored', async () => {
  const { folder, commit, git } = gitRepo()
  const other = gitRepo()
  other.commit({ 'inner.ts': '', '.gitignore': 'hidden' })
  commit({ 'a.ts': '', '.gitignore': 'vendor' })
  git('submodule', '--quiet', 'add', other.folder, 'module')
  writeFiles(folder, { 'module/hidden': '', 'module/new.ts': '' })
  gitRepo(join(folder, 'nested')).commit({ 'b.ts': '' })
  gitRepo(join(folder, 'vendor')).commit({ 'c.ts': '' })
  expect((await list(folder)).filter((name) => name.endsWith('.ts'))).toEqual([
    'a.ts',
    'module/inner.ts',
    'module/new.ts',
    'nested/b.ts',
  ])
})

test('a submodule that is not there yet is an empty folder', async () => {
  const { folder, commit, git } = gitRepo()
  const other = gitRepo()
  other.commit({ 'inner.ts': '' })
  commit({ 'a.ts': '' })
  git('submodule', '--quiet', 'add', other.folder, 'module')
  commit()
  git('submodule', '--quiet', 'deinit', '-f', 'module')
  expect(await list(folder)).toEqual(['.gitmodules', 'a.ts'])
})

test('elsewhere: what lies below the folder in which a pattern begins, without what others keep', async () => {
  const folder = tempFolder()
  writeFiles(folder, {
    'a/b/c.ts': '',
    'a/node_modules/x/y.ts': '',
    'other/d.ts': '',
    'a/.hidden': '',
    '.git-not/e': '',
  })
  expect(await list(folder)).toEqual(['.git-not/e', 'a/.hidden', 'a/b/c.ts', 'other/d.ts'])
  expect(await list(folder, 'a')).toEqual(['a/.hidden', 'a/b/c.ts'])
})

test('a repository that lies in such a folder has its own rules', async () => {
  const folder = tempFolder()
  const { commit, write } = gitRepo(join(folder, 'project'))
  commit({ 'a.ts': '', '.gitignore': 'dist' })
  write({ 'dist/x': '' })
  writeFiles(folder, { 'notes.md': '' })
  expect(await list(folder)).toEqual(['notes.md', 'project/.gitignore', 'project/a.ts'])
  expect(await list(folder, 'project')).toEqual(['project/.gitignore', 'project/a.ts'])
  expect(await list(folder, 'project/dist')).toEqual([])
})

test('links are named and not followed, circles neither', async () => {
  const folder = tempFolder()
  writeFiles(folder, { 'a/file': '' })
  symlinkSync('..', join(folder, 'a', 'up'))
  symlinkSync('a', join(folder, 'link'))
  symlinkSync('/', join(folder, 'disk'))
  expect(await list(folder)).toEqual(['a/file', 'a/up', 'disk', 'link'])
})

test.runIf(process.getuid?.() !== 0)('a folder that may not be entered is passed over', async () => {
  const folder = tempFolder()
  writeFiles(folder, { 'a/file': '', b: '' })
  chmodSync(join(folder, 'a'), 0o000)
  expect(await list(folder)).toEqual(['b'])
  chmodSync(join(folder, 'a'), 0o700)
})

test('too much is said, too slow is said, and a caller may cancel', async () => {
  const folder = tempFolder()
  writeFileSync(join(folder, 'file'), '')
  const endless = {
    isWorkTree: async () => true,
    files: async () => ({ files: Array(200_001).fill('x'), repositories: [] }),
  }
  expect((await errorOf(createFileLister(endless)(folder, ''))).message).toContain('too many')
  expect((await errorOf(createFileLister(createGit(), -1)(folder, ''))).message).toContain('too long')
  expect(await errorOf(lister(folder, '', AbortSignal.abort()))).toMatchObject({ code: 'CANCELLED' })
})
