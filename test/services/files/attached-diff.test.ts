import { rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createGit } from '../../../src/infrastructure/git.ts'
import { openRoots } from '../../../src/infrastructure/project-roots.ts'
import { attachDiff } from '../../../src/services/files/attached-diff.ts'
import { errorOf, shown } from '../../support/error-of.ts'
import { gitRepo, writeFiles } from '../../support/git-repo.ts'
import { PNG } from '../../support/images.ts'
import { privateKeyPem } from '../../support/private-key.ts'
import { tempFolder } from '../../support/temp-folder.ts'

const attach = async (what: string, ...roots: string[]) => {
  const { block, sent, left } = await attachDiff(what, openRoots(roots), createGit())
  return { text: block.kind === 'diff' ? block.text : '', sent, left }
}

test('a range', async () => {
  const { folder, commit } = gitRepo()
  commit({ a: 'one\n' })
  commit({ a: 'two\n' })
  const { text, sent, left } = await attach('HEAD~1..HEAD', folder)
  expect(text).toMatch(/^diff --git a\/a b\/a\n.*-one\n\+two\n$/s)
  expect(sent).toEqual({ name: 'HEAD~1..HEAD', kind: 'diff', bytes: text.length, files: ['a'] })
  expect(left).toEqual([])
})

describe('what is not committed', () => {
  test('is what is changed, what is staged, and what is new', async () => {
    const { folder, commit, write, git } = gitRepo()
    commit({ a: 'one\n', b: 'one\n', '.gitignore': 'dist' })
    write({ a: 'two\n', b: 'two\n', 'sub/new.ts': 'new\n', 'dist/x': 'no\n' })
    git('add', 'a')
    const { text } = await attach('working', folder)
    expect(text.match(/^diff --git .*$/gm)).toEqual([
      'diff --git a/a b/a',
      'diff --git a/b b/b',
      'diff --git a/sub/new.ts b/sub/new.ts',
    ])
    expect(text).toContain('--- /dev/null\n+++ b/sub/new.ts\n@@ -0,0 +1 @@\n+new\n')
  })

  test('also before the first commit', async () => {
    const { folder, write, git } = gitRepo()
    write({ a: 'staged\n', b: 'new\n' })
    git('add', 'a')
    const { text } = await attach('working', folder)
    expect(text).toContain('+staged\n')
    expect(text).toContain('+new\n')
  })

  test('leaves out of the new files what is no text, secret, a link or a repository, and says so', async () => {
    const { folder, write } = gitRepo()
    const outside = tempFolder()
    writeFiles(outside, { secret: 'outside' })
    write({
      'a.txt': 'fine\n',
      'bin.dat': 'a\0b',
      '.env': 'TOKEN=hidden',
      'pic.txt': PNG,
      'key.txt': privateKeyPem(),
    })
    symlinkSync(join(outside, 'secret'), join(folder, 'link'))
    gitRepo(join(folder, 'nested')).commit({ x: '' })
    const { text, left } = await attach('working', folder)
    expect(text.match(/^diff --git .*$/gm)).toEqual(['diff --git a/a.txt b/a.txt'])
    expect(left).toEqual([
      '.env has a name that files with secrets have, and those are never sent',
      'bin.dat is binary',
      'key.txt has a private key in it, and those are never sent',
      'link is a link',
      'pic.txt is an image: name it in files to send it',
      'nested is a repository of its own',
    ])
  })

  test('takes one hundred new files and counts the rest', async () => {
    const { folder, write } = gitRepo()
    write(Object.fromEntries(Array.from({ length: 130 }, (_, index) => [`f${index}`, 'x\n'])))
    const { text, left } = await attach('working', folder)
    expect(text.match(/^diff --git /gm)).toHaveLength(100)
    expect(left).toEqual(['30 more new files'])
  })
})

describe('secrets', () => {
  test('by name are left out: changed, new, gone, and under their old name', async () => {
    const { folder, commit, git } = gitRepo()
    const many = Array.from({ length: 20 }, (_, index) => `V${index}=hidden\n`).join('')
    commit({ '.env': many, 'server.key': 'hidden key\n', a: 'one\n' })
    git('mv', '.env', 'plain.txt')
    commit({ a: 'two\n', id_rsa: 'quite hidden\n' })
    rmSync(join(folder, 'server.key'))
    commit()
    const { text, left } = await attach('HEAD~2..', folder)
    expect(text.match(/^diff --git .*$/gm)).toEqual(['diff --git a/a b/a'])
    expect(text).not.toContain('hidden')
    expect(left.map((line) => line.split(' has ')[0])).toEqual(['id_rsa', '.env to plain.txt', 'server.key'])
  })

  test('alone are no diff', async () => {
    const { folder, commit } = gitRepo()
    commit()
    commit({ '.env': 'TOKEN=hidden\n' })
    const error = await errorOf(attach('HEAD~1..', folder))
    expect(error.message).toContain('Nothing of the diff can be sent: .env has a name')
    expect(shown(error)).not.toContain('hidden')
  })

  test('a private key refuses the whole, and its file is named', async () => {
    const { folder, commit } = gitRepo()
    const pem = privateKeyPem()
    commit({ a: '1\n', 'src/config.ts': `export const key = \`\n${pem}\`\n` })
    commit({ a: '2\n', 'src/config.ts': 'export const key = undefined\n' })
    const error = await errorOf(attach('HEAD~1..', folder))
    expect(error).toMatchObject({ code: 'INPUT_INVALID' })
    expect(error.message).toContain('in src/config.ts,')
    expect(shown(error)).not.toContain(pem.split('\n')[1])
  })
})

test('no changes', async () => {
  const { folder, commit } = gitRepo()
  commit({ a: '1' })
  expect((await errorOf(attach('staged', folder))).message).toBe('Nothing is staged, so there is no diff.')
  expect((await errorOf(attach('working', folder))).message).toBe('Everything is committed, so there is no diff.')
  expect((await errorOf(attach('HEAD..', folder))).message).toBe('Nothing has changed in HEAD.., so there is no diff.')
})

test('no repository, no such argument', async () => {
  expect((await errorOf(attach('working', tempFolder()))).message).toContain('not in a git repository')
  expect(await errorOf(attach('--output=x', gitRepo().folder))).toMatchObject({ code: 'INPUT_INVALID' })
})

test('of several roots, the first one in a repository', async () => {
  const { folder, commit, write } = gitRepo()
  commit({ 'sub/a': '1\n', b: '1\n' })
  write({ 'sub/a': '2\n', b: '2\n' })
  const { text, left } = await attach('working', tempFolder(), join(folder, 'sub'))
  expect(text.match(/^diff --git .*$/gm)).toEqual(['diff --git a/a b/a'])
  expect(left).toEqual(['changes in the other folders of the project'])
})

test('too large with its new files', async () => {
  const { folder, write } = gitRepo()
  for (let index = 0; index < 10; index++) write({ [`f${index}`]: 'x'.repeat(900_000) })
  expect((await errorOf(attach('working', folder))).message).toBe('The diff with its new files is larger than 8 MB.')
})
