import { spawnSync } from 'node:child_process'
import { chmodSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createGit } from '../../src/infrastructure/git.ts'
import { readDiffArgument } from '../../src/infrastructure/git-range.ts'
import { errorOf } from '../support/error-of.ts'
import { gitRepo, slowGit, trap, writeFiles } from '../support/git-repo.ts'
import { tempFolder } from '../support/temp-folder.ts'

const git = createGit()
const diff = (folder: string, what: string) => git.diff(folder, readDiffArgument(what))
const filesOf = async (folder: string) => [...(await git.files(folder)).files].sort()

describe('a work tree', () => {
  test('is one from its top and from below', async () => {
    const { folder, write } = gitRepo()
    write({ 'sub/a': '' })
    expect(await git.isWorkTree(folder)).toBe(true)
    expect(await git.isWorkTree(join(folder, 'sub'))).toBe(true)
  })

  test('is not one in a bare repository or anywhere else', async () => {
    const { folder, git: run } = gitRepo()
    const bare = join(tempFolder(), 'bare')
    run('clone', '-q', '--bare', folder, bare)
    expect(await git.isWorkTree(bare)).toBe(false)
    expect(await git.isWorkTree(tempFolder())).toBe(false)
  })

  test('does not begin inside .git', async () => {
    expect(await errorOf(git.isWorkTree(join(gitRepo().folder, '.git')))).toMatchObject({ code: 'INPUT_INVALID' })
  })

  test('is what lies around the folder, whatever the environment says', async () => {
    const [{ folder, commit }, other] = [gitRepo(), gitRepo()]
    commit({ ours: '' })
    other.commit({ theirs: '' })
    process.env.GIT_DIR = join(other.folder, '.git')
    process.env.GIT_WORK_TREE = folder
    onTestFinished(() => {
      delete process.env.GIT_DIR
      delete process.env.GIT_WORK_TREE
    })
    expect(await filesOf(folder)).toEqual(['ours'])
    expect((await git.untracked(folder)).files).toEqual([])
    expect(await git.isWorkTree(tempFolder())).toBe(false)
  })

  test('that is said to lie elsewhere is none: its files are not those of the folder', async () => {
    const { folder, git: run } = gitRepo()
    run('config', 'core.worktree', tempFolder())
    expect(await git.isWorkTree(folder)).toBe(false)
  })

  test('that git cannot read is no reason to take its files for unignored', async () => {
    const folder = tempFolder()
    writeFiles(folder, { '.git/HEAD': 'nonsense' })
    expect(await errorOf(git.isWorkTree(folder))).toMatchObject({ code: 'INPUT_INVALID' })
    expect((await errorOf(git.isWorkTree(folder))).message).toContain('git refuses to read it')
  })

  test('without git: unknown in a repository, none elsewhere', async () => {
    const without = createGit({ program: '/nowhere/git' })
    expect((await errorOf(without.isWorkTree(gitRepo().folder))).message).toContain('git is not installed here')
    expect(await without.isWorkTree(tempFolder())).toBe(false)
  })
})

describe('the files of a work tree', () => {
  test('are those in the index and those that are not ignored, each once', async () => {
    const { folder, commit, write, git: run } = gitRepo()
    commit({ 'a.ts': '', 'sub/b.ts': '', '.gitignore': 'dist\n*.log\n', 'kept.log.txt': '' })
    write({ 'new.ts': '', 'dist/x.js': '', 'a.log': '', 'sub/c.log': '' })
    write({ 'forced.log': '' })
    run('add', '-f', 'forced.log')
    expect(await filesOf(folder)).toEqual(['.gitignore', 'a.ts', 'forced.log', 'kept.log.txt', 'new.ts', 'sub/b.ts'])
    expect((await git.untracked(folder)).files).toEqual(['new.ts'])
  })

  test('are named from the folder that is asked about, and none of an ignored folder', async () => {
    const { folder, commit, write } = gitRepo()
    commit({ 'a.ts': '', 'sub/b.ts': '', '.gitignore': 'dist\n' })
    write({ 'dist/x.js': '', 'sub/new.ts': '' })
    expect(await filesOf(join(folder, 'sub'))).toEqual(['b.ts', 'new.ts'])
    expect(await filesOf(join(folder, 'dist'))).toEqual([])
  })

  test('keep odd names as they are', async () => {
    const { folder, commit, write } = gitRepo()
    const odd = ['a b', '-p', 'new\nline', 'quo"te', "it's", 'tab\there', 'ü', '*', '[id].ts', 'a:10', '100644 x 0\ty']
    commit(Object.fromEntries(odd.map((name) => [name, ''])))
    write({ 'not\nyet': '' })
    expect(await filesOf(folder)).toEqual([...odd, 'not\nyet'].sort())
  })

  test('repositories within are named and not looked into', async () => {
    const { folder, commit, git: run } = gitRepo()
    const other = gitRepo()
    other.commit({ 'inner.ts': '' })
    commit({ 'a.ts': '' })
    run('submodule', '--quiet', 'add', other.folder, 'module')
    gitRepo(join(folder, 'nested')).commit({ 'b.ts': '' })
    expect(await git.files(folder)).toEqual({ files: ['.gitmodules', 'a.ts'], repositories: ['module', 'nested'] })
  })

  test('a file in conflict stands there once', async () => {
    const { folder, commit, git: run } = gitRepo()
    commit({ a: '1' })
    run('checkout', '-q', '-b', 'other')
    commit({ a: '2' })
    run('checkout', '-q', 'main')
    commit({ a: '3' })
    expect(() => run('merge', 'other')).toThrow()
    expect(await filesOf(folder)).toEqual(['a'])
  })

  test('one thousand of them', async () => {
    const { folder, write } = gitRepo()
    write(Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`d${index % 10}/f${index}`, ''])))
    expect(await filesOf(folder)).toHaveLength(1000)
  })
})

describe('a diff', () => {
  test('of what is staged, of all that is not committed, and since a revision', async () => {
    const { folder, commit, write, git: run } = gitRepo()
    commit({ a: 'one\n', b: 'one\n' })
    commit({ c: 'one\n' })
    write({ a: 'two\n' })
    run('add', 'a')
    write({ b: 'two\n', new: 'not tracked\n' })
    expect(namesIn(await diff(folder, 'staged'))).toEqual(['a'])
    expect(namesIn(await diff(folder, 'working'))).toEqual(['a', 'b'])
    expect(namesIn(await diff(folder, 'HEAD~1'))).toEqual(['a', 'b', 'c'])
    expect(namesIn(await diff(folder, 'HEAD~1..'))).toEqual(['c'])
    expect(await diff(folder, 'HEAD..HEAD')).toBe('')
  })

  test('three dots begin where the ways parted', async () => {
    const { folder, commit, git: run } = gitRepo()
    commit({ a: '1' })
    run('checkout', '-q', '-b', 'topic')
    commit({ mine: 'of mine' })
    run('checkout', '-q', 'main')
    commit({ theirs: 'of theirs' })
    run('checkout', '-q', 'topic')
    expect(namesIn(await diff(folder, 'main..HEAD'))).toEqual(['mine', 'theirs'])
    expect(namesIn(await diff(folder, 'main...HEAD'))).toEqual(['mine'])
    run('checkout', '-q', '--orphan', 'alone')
    commit()
    expect((await errorOf(diff(folder, 'main...HEAD'))).message).toContain('no commit in common')
  })

  test('before the first commit: everything staged is new', async () => {
    const { folder, write, git: run } = gitRepo()
    write({ a: 'one\n' })
    run('add', 'a')
    write({ a: 'two\n' })
    expect(await diff(folder, 'staged')).toContain('+one')
    expect(await diff(folder, 'working')).toContain('+two')
    expect(await errorOf(diff(folder, 'HEAD~1'))).toMatchObject({ code: 'INPUT_INVALID' })
  })

  test('shows the folder it is asked about and no other', async () => {
    const { folder, commit } = gitRepo()
    commit({ 'sub/a': '1', other: '1' })
    commit({ 'sub/a': '2', other: '2' })
    const text = await diff(join(folder, 'sub'), 'HEAD~1..')
    expect(namesIn(text)).toEqual(['a'])
    expect(text).not.toContain('other')
  })

  test('has one form, whatever the settings are', async () => {
    const { folder, commit, write, git: run } = gitRepo()
    commit({ 'größe.txt': 'a\nb\nc\nd\ne\n', moved: 'same\nsame\nsame\n' })
    run('mv', 'moved', 'renamed')
    write({ 'größe.txt': 'a\nb\nX\nd\ne\n' })
    const plain = await diff(folder, 'working')
    for (const setting of [
      ['diff.noprefix', 'true'],
      ['diff.mnemonicPrefix', 'true'],
      ['color.ui', 'always'],
      ['diff.colorMoved', 'zebra'],
      ['diff.context', '0'],
      ['diff.renames', 'false'],
      ['diff.relative', 'false'],
      ['diff.orderFile', '/nowhere/at/all'],
      ['diff.wordRegex', '.'],
      ['core.pager', 'cat >&2'],
      ['core.quotePath', 'true'],
      ['diff.submodule', 'diff'],
    ] as const) {
      run('config', ...setting)
    }
    expect(await diff(folder, 'working')).toBe(plain)
    expect(plain).toContain('diff --git a/größe.txt b/größe.txt\n')
    expect(plain).toContain('rename from moved\nrename to renamed\n')
  })

  test('a revision that is none, and a diff that is too large', async () => {
    const { folder, commit } = gitRepo()
    commit({ a: '1' })
    expect((await errorOf(diff(folder, 'nowhere..HEAD'))).message).toContain('nowhere')
    commit({ a: `${'x'.repeat(99)}\n`.repeat(90_000) })
    expect((await errorOf(diff(folder, 'HEAD~1..'))).message).toBe('The diff is larger than 8 MB.')
  })

  test('waits for no lock and leaves the index as it is, also where git would write it again', async () => {
    const { folder, commit, write } = gitRepo()
    commit({ a: '1', b: '1', c: '', d: '' })
    utimesSync(join(folder, 'd'), 1_700_000_000, 1_700_000_000)
    utimesSync(join(folder, 'a'), 1_700_000_000, 1_700_000_000)
    const index = join(folder, '.git', 'index')
    const before = readFileSync(index)
    for (const what of ['working', 'HEAD', 'staged']) expect(await diff(folder, what)).toBe('')
    expect(readFileSync(index).equals(before)).toBe(true)
    write({ b: 'new\n' })
    chmodSync(join(folder, 'c'), 0o755)
    expect(namesIn(await diff(folder, 'working'))).toEqual(['b', 'c'])
    writeFileSync(`${index}.lock`, '')
    expect(namesIn(await diff(folder, 'working'))).toEqual(['b', 'c'])
    rmSync(`${index}.lock`)
    spawnSync('git', ['-C', folder, 'diff', 'HEAD'])
    expect(readFileSync(index).equals(before)).toBe(false)
  })
})

describe('a hostile repository cannot run anything:', () => {
  interface Hostile {
    settings: (command: string) => Record<string, string>
    attributes?: string
  }
  const FILTER = (name: string) => (command: string) => ({ [`filter.${name}.clean`]: `${command}; cat` })
  test.each<[string, Hostile]>([
    ['a file monitor', { settings: (command) => ({ 'core.fsmonitor': `${command}; false` }) }],
    ['an external diff', { settings: (command) => ({ 'diff.external': command }) }],
    [
      'an external diff by attribute',
      { settings: (command) => ({ 'diff.evil.command': command }), attributes: '* diff=evil' },
    ],
    [
      'a text conversion',
      { settings: (command) => ({ 'diff.evil.textconv': `${command}; cat` }), attributes: '* diff=evil' },
    ],
    ['a clean filter', { settings: FILTER('evil'), attributes: '* filter=evil' }],
    ['a filter with an odd name', { settings: FILTER('e.v.IL'), attributes: '* filter=e.v.IL' }],
    [
      'a filter process that is required',
      {
        settings: (command) => ({ 'filter.evil.process': command, 'filter.evil.required': 'true' }),
        attributes: '* filter=evil',
      },
    ],
  ])('%s', async (_, { settings, attributes = '' }) => {
    const { folder, commit, write, git: run } = gitRepo()
    const { command, isSprung } = trap()
    commit({ a: 'one\n', '.gitattributes': attributes })
    for (const [name, value] of Object.entries(settings(command))) run('config', name, value)
    write({ a: 'two\n', b: 'new\n' })
    expect(await diff(folder, 'working')).toContain('+two')
    expect(await diff(folder, 'staged')).toBe('')
    expect(await filesOf(folder)).toEqual(['.gitattributes', 'a', 'b'])
    expect(isSprung()).toBe(false)
    spawnSync('git', ['-C', folder, 'diff', 'HEAD'])
    expect(isSprung()).toBe(true)
  })

  test('a filter that cannot be switched off', async () => {
    const { folder, commit, write, git: run } = gitRepo()
    const { command, isSprung } = trap()
    commit({ a: 'one\n', '.gitattributes': '* filter=e=vil' })
    run('config', 'filter.e=vil.clean', `${command}; cat`)
    write({ a: 'two\n' })
    expect((await errorOf(diff(folder, 'working'))).message).toContain('filters that cannot be switched off')
    expect(isSprung()).toBe(false)
    run('diff', 'HEAD')
    expect(isSprung()).toBe(true)
  })

  test('more filters than anybody has', async () => {
    const { folder, commit, git: run } = gitRepo()
    commit({ a: 'one\n' })
    const sections = Array.from({ length: 201 }, (_, index) => `[filter "f${index}"]\n\tclean = cat\n`)
    writeFiles(folder, { '.git/more': sections.join('') })
    run('config', 'include.path', 'more')
    expect(await errorOf(diff(folder, 'working'))).toMatchObject({ code: 'STORAGE_FAILED' })
  })

  test('a hook', async () => {
    const { folder, commit, git: run } = gitRepo()
    const { command, isSprung } = trap()
    commit({ a: 'one\n' })
    writeFiles(folder, { '.git/hooks/post-index-change': `#!/bin/sh\n${command}\n` })
    chmodSync(join(folder, '.git', 'hooks', 'post-index-change'), 0o755)
    // Only its time is new, which makes git write the index again.
    utimesSync(join(folder, 'a'), 1_700_000_000, 1_700_000_000)
    await diff(folder, 'working')
    await git.files(folder)
    expect(isSprung()).toBe(false)
    run('update-index', '--refresh', '--force-write-index')
    expect(isSprung()).toBe(true)
  })

  test('a file monitor in a submodule', async () => {
    const { folder, commit, git: run } = gitRepo()
    const { command, isSprung } = trap()
    const other = gitRepo()
    other.commit({ 'inner.ts': '1' })
    run('submodule', '--quiet', 'add', other.folder, 'module')
    commit()
    run('-C', 'module', 'config', 'core.fsmonitor', `${command}; false`)
    writeFiles(folder, { 'module/inner.ts': '2' })
    expect(await diff(folder, 'working')).toBe('')
    await git.files(folder)
    expect(isSprung()).toBe(false)
    run('diff', 'HEAD')
    expect(isSprung()).toBe(true)
  })

  test('a remote that has to be asked for missing objects', async () => {
    const { folder, commit, git: run } = gitRepo()
    const { command, isSprung } = trap()
    commit({ a: 'one\n' })
    commit({ a: 'two\n' })
    const blob = run('rev-parse', 'HEAD~1:a').trim()
    rmSync(join(folder, '.git', 'objects', blob.slice(0, 2), blob.slice(2)))
    run('config', 'core.repositoryFormatVersion', '1')
    run('config', 'extensions.partialClone', 'evil')
    run('config', 'remote.evil.promisor', 'true')
    run('config', 'remote.evil.url', `ext::sh -c ${command.replaceAll(' ', '% ')}`)
    run('config', 'protocol.ext.allow', 'always')
    expect(await errorOf(diff(folder, 'HEAD~1..'))).toMatchObject({ code: 'STORAGE_FAILED' })
    expect(isSprung()).toBe(false)
    spawnSync('git', ['-C', folder, 'diff', 'HEAD~1', 'HEAD'])
    expect(isSprung()).toBe(true)
  })

  test('a folder that only looks like a repository', async () => {
    const { folder, commit, git: run } = gitRepo()
    const { command, isSprung } = trap()
    commit({ a: 'one\n' })
    const fake = join(folder, 'docs')
    run('init', '-q', '--bare', fake)
    const lines = ['[core]', 'repositoryformatversion = 0', 'bare = false', `worktree = ${folder}`]
    writeFiles(fake, { config: [...lines, `fsmonitor = "${command}; false"`, ''].join('\n') })
    expect(await errorOf(git.isWorkTree(fake))).toMatchObject({ code: 'INPUT_INVALID' })
    expect(await errorOf(git.files(fake))).toMatchObject({ code: 'STORAGE_FAILED' })
    expect(await errorOf(diff(fake, 'working'))).toMatchObject({ code: 'STORAGE_FAILED' })
    expect(await filesOf(folder)).toContain('docs/config')
    expect(isSprung()).toBe(false)
    spawnSync('git', ['-C', fake, 'status'])
    expect(isSprung()).toBe(true)
  })
})

test('a git that hangs is not waited for, and one that is cancelled neither', async () => {
  const slow = join(tempFolder(), 'git')
  writeFileSync(slow, '#!/bin/sh\nexec sleep 60\n', { mode: 0o755 })
  const folder = tempFolder()
  expect((await errorOf(createGit({ program: slow, limitMs: 200 }).isWorkTree(folder))).message).toContain('too long')
  expect((await errorOf(createGit({ program: slow, limitMs: 200 }).files(folder))).message).toContain('too long')
  const controller = new AbortController()
  const asked = createGit({ program: slow }).files(folder, controller.signal)
  controller.abort()
  expect(await errorOf(asked)).toMatchObject({ code: 'CANCELLED' })
  expect(await errorOf(git.files(folder, AbortSignal.abort()))).toMatchObject({ code: 'CANCELLED' })
})

test.runIf(process.platform !== 'win32')('however many want something of git, it runs four times at once', async () => {
  const { program, mostAtOnce } = slowGit()
  const { folder } = gitRepo()
  const patient = createGit({ program })
  const known = await Promise.all(Array.from({ length: 12 }, () => patient.isWorkTree(folder)))
  expect(known).toEqual(Array(12).fill(true))
  expect(mostAtOnce()).toBe(4)
})

/** The files a diff is about, in its order. */
function namesIn(text: string): string[] {
  return [...text.matchAll(/^diff --git a\/(\S+) b\//gm)].map(([, name]) => name ?? '')
}
