import { spawnSync } from 'node:child_process'
import { mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createGit } from '../../src/infrastructure/git.ts'
import { createProjectFiles } from '../../src/infrastructure/project-files.ts'
import { openRoots } from '../../src/infrastructure/project-roots.ts'
import { errorOf } from '../support/error-of.ts'
import { gitRepo, writeFiles } from '../support/git-repo.ts'
import { tempFolder } from '../support/temp-folder.ts'

const projectFiles = createProjectFiles({ git: createGit() })

const NO_FILE = 'fits no file; what git ignores has to be named exactly'

async function find(entries: readonly string[], ...roots: string[]) {
  const { files, refused, left } = await projectFiles.find(entries, openRoots(roots))
  return { names: files.map(({ name }) => name), files, refused, left }
}

function project(files: Record<string, string> = {}) {
  const repo = gitRepo()
  repo.commit({
    'src/a.ts': '',
    'src/b.ts': '',
    'src/deep/c.ts': '',
    'notes.md': '',
    '.gitignore': 'dist\n*.log\n',
    ...files,
  })
  repo.write({ 'dist/x.js': '', 'a.log': '' })
  return repo
}

describe('an exact name', () => {
  test('relative, from the root of the disk, with lines', async () => {
    const { folder } = project()
    expect(await find(['src/a.ts', join(folder, 'src/b.ts'), './notes.md:10-80'], folder)).toMatchObject({
      files: [
        { name: 'src/a.ts', path: join(folder, 'src/a.ts'), exact: true },
        { name: 'src/b.ts', exact: true },
        { name: 'notes.md', range: { first: 10, last: 80 }, exact: true },
      ],
      refused: [],
      left: [],
    })
  })

  test('of what git ignores is good enough', async () => {
    expect((await find(['dist/x.js', 'a.log'], project().folder)).names).toEqual(['dist/x.js', 'a.log'])
  })

  test('that looks like something else means the file that is called so', async () => {
    const odd = [
      'a.md:10',
      '!a',
      '*',
      'src/[id].ts',
      '{x,y}',
      '-p',
      'new\nline',
      'quo"te',
      'a b',
      'größe',
      '~',
      '!(a).ts',
    ]
    const { folder } = project(Object.fromEntries(['a.md', ...odd].map((name) => [name, ''])))
    const { files, refused } = await find(odd, folder)
    expect(files.map(({ name, range, exact }) => [name, range, exact])).toEqual(odd.map((n) => [n, undefined, true]))
    expect(refused).toEqual([])
  })

  test('that is not there is refused, with names that may have been meant', async () => {
    const { refused } = await find(['A.ts', 'lib/c.ts:3', 'nothing', 'Notes.MD'], project().folder)
    expect(refused).toEqual([
      { name: 'A.ts', reason: 'does not exist', near: ['src/a.ts'] },
      { name: 'lib/c.ts:3', reason: 'does not exist', near: ['src/deep/c.ts'] },
      { name: 'nothing', reason: 'does not exist' },
      { name: 'Notes.MD', reason: 'does not exist', near: ['notes.md'] },
    ])
  })

  test('that leads out, by itself or by a link, is refused, and all of them at once', async () => {
    const { folder } = project()
    const outside = tempFolder()
    writeFiles(outside, { secret: '' })
    symlinkSync(join(outside, 'secret'), join(folder, 'link'))
    symlinkSync(outside, join(folder, 'middle'))
    const entries = ['link', 'middle/secret', 'middle', 'link:3', '../x', '/etc/passwd', join(outside, 'secret')]
    const { names, refused } = await find([...entries, 'middle/*'], folder)
    expect(names).toEqual([])
    expect(refused.map(({ reason }) => reason)).toEqual([
      ...Array(4).fill('leads out of the project through a link'),
      'has “..” in it: name it from the project folder',
      ...Array(2).fill('lies outside the project'),
      'names a folder that leads out of the project through a link',
    ])
  })

  test('with lines that cannot be, or with lines of many', async () => {
    const { refused } = await find(['notes.md:0', 'notes.md:9-3', 'src/*.ts:1-5'], project().folder)
    expect(refused).toMatchObject([
      {
        name: 'notes.md:0',
        reason: 'names lines that cannot be: the first line is 1, and the last one comes after the first',
      },
      { name: 'notes.md:9-3' },
      { name: 'src/*.ts:1-5', reason: 'names lines of several files: lines can only stand behind one name' },
    ])
  })

  test.runIf(process.platform !== 'win32')('of a named pipe', async () => {
    const { folder } = project()
    spawnSync('mkfifo', [join(folder, 'pipe')])
    expect((await find(['pipe'], folder)).refused).toEqual([{ name: 'pipe', reason: 'is not a regular file' }])
  })
})

describe('a pattern', () => {
  test('means what git does not ignore', async () => {
    const { folder, write } = project()
    write({ 'src/new.ts': '' })
    expect((await find(['src/**/*.ts'], folder)).names).toEqual(['src/a.ts', 'src/b.ts', 'src/deep/c.ts', 'src/new.ts'])
    expect((await find(['**/*.{md,js,log}'], folder)).names).toEqual(['notes.md'])
    expect((await find(['src/[ab].ts'], folder)).files).toMatchObject([{ exact: false }, { exact: false }])
    expect((await find([join(folder, 'src', '?.ts')], folder)).names).toEqual(['src/a.ts', 'src/b.ts'])
  })

  test('begins with folders as they are called', async () => {
    const { folder } = project({ 'app/[id]/(shop)/page.tsx': '', 'app/i/(shop)/page.tsx': '' })
    expect((await find(['app/[id]/(shop)/*.tsx'], folder)).names).toEqual(['app/[id]/(shop)/page.tsx'])
    expect((await find(['app/[id]'], folder)).names).toEqual(['app/[id]/(shop)/page.tsx'])
  })

  test('a folder means its files, wherever they lie in it', async () => {
    const { folder } = project()
    expect((await find(['src/'], folder)).names).toEqual(['src/a.ts', 'src/b.ts', 'src/deep/c.ts'])
    expect((await find(['.'], folder)).names).toEqual([
      '.gitignore',
      'notes.md',
      'src/a.ts',
      'src/b.ts',
      'src/deep/c.ts',
    ])
    expect((await find(['dist'], folder)).refused).toMatchObject([{ name: 'dist' }])
    expect((await find(['.git'], folder)).refused).toMatchObject([{ name: '.git' }])
  })

  test('leaves out what is excluded, wherever that stands', async () => {
    const { folder } = project({ 'src/gen/d.ts': '', 'src/a.test.ts': '' })
    const entries = ['!**/*.test.ts', 'src', '!src/gen', `!${join(folder, 'src/b.ts')}`]
    expect((await find(entries, folder)).names).toEqual(['src/a.ts', 'src/deep/c.ts'])
    expect((await find(['src/b.ts', '!src/b.ts'], folder)).names).toEqual(['src/b.ts'])
    expect((await find(['!src'], folder)).refused).toMatchObject([{ name: '!src' }])
    expect((await find(['src', '!../x', '!*a*a*a*a'], folder)).refused).toMatchObject([
      { name: '!../x' },
      { name: '!*a*a*a*a' },
    ])
  })

  test('that fits nothing is refused, with names that may have been meant', async () => {
    const { folder } = project()
    expect((await find(['source/*.md', 'dist/*', '*.nope', 'src/*.TS'], folder)).refused).toEqual([
      { name: 'source/*.md', reason: NO_FILE, near: ['notes.md'] },
      { name: 'dist/*', reason: NO_FILE },
      { name: '*.nope', reason: NO_FILE },
      {
        name: 'src/*.TS',
        reason: NO_FILE,
        near: ['src/a.ts', 'src/b.ts', 'src/deep/c.ts'],
      },
    ])
  })

  test('does not reach what is ignored or lies elsewhere through a link', async () => {
    const { folder } = project({ 'links/keep': '' })
    const outside = tempFolder()
    writeFiles(outside, { secret: '' })
    for (const [target, name] of [
      ['../dist/x.js', 'ignored'],
      ['../src/a.ts', 'seen'],
      [join(outside, 'secret'), 'out'],
      ['../src', 'folder'],
      ['circle', 'circle'],
      ['nowhere', 'dangling'],
      ['../.git/config', 'git'],
    ] as const) {
      symlinkSync(target, join(folder, 'links', name))
    }
    const { names, files, left } = await find(['links/*'], folder)
    expect(names).toEqual(['links/keep', 'links/seen'])
    expect(files.at(-1)?.path).toBe(join(folder, 'src/a.ts'))
    expect(left).toEqual([
      { name: 'links/circle', reason: 'is a link that leads in a circle' },
      { name: 'links/folder', reason: 'is a link to a folder' },
      { name: 'links/git', reason: 'is a link to a file that patterns leave out' },
      { name: 'links/ignored', reason: 'is a link to a file that patterns leave out' },
      { name: 'links/out', reason: 'leads out of the project through a link' },
    ])
  })

  test('does not mean what is in the index and not on disk', async () => {
    const { folder } = project()
    rmSync(join(folder, 'src/a.ts'))
    expect((await find(['src/*.ts'], folder)).names).toEqual(['src/b.ts'])
  })

  test('with more wildcards than a machine can bear is refused', async () => {
    expect((await find(['*a*a*a*a*b'], project().folder)).refused).toMatchObject([
      { reason: 'has too many wildcards: use fewer “*”' },
    ])
  })

  test('that takes too long on a single name fails in time, as one to be left out does', async () => {
    const { folder } = project({ ['a'.repeat(80)]: '' })
    const endless = `${'{a,aa}'.repeat(40)}b`
    for (const entries of [[endless], ['**', `!${endless}`]]) {
      const before = performance.now()
      const error = await errorOf(find(entries, folder))
      expect(error).toMatchObject({ code: 'INPUT_INVALID', message: 'The patterns take too long.' })
      expect(performance.now() - before).toBeLessThan(5_000)
    }
  }, 30_000)

  test('one thousand files and no more', async () => {
    const { folder, write } = gitRepo()
    write(Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`f/${index}`, ''])))
    expect((await find(['f'], folder)).names).toHaveLength(1000)
    write({ 'f/more': '' })
    expect(await find(['f/*'], folder)).toMatchObject({
      names: [],
      refused: [{ reason: 'matches 1001 files, and one call takes 1000 at most' }],
    })
  })

  test('works without git where there is none, and not at all where git is missing', async () => {
    const without = createProjectFiles({ git: createGit({ program: '/nowhere/git' }) })
    const folder = tempFolder()
    writeFiles(folder, { 'src/a.ts': '', 'node_modules/x/b.ts': '' })
    const { files } = await without.find(['**/*.ts'], openRoots([folder]))
    expect(files.map(({ name }) => name)).toEqual(['src/a.ts'])
    const repo = project()
    expect(await errorOf(without.find(['**/*.ts'], openRoots([repo.folder])))).toMatchObject({ code: 'INPUT_INVALID' })
    expect((await without.find(['src/a.ts', 'nope'], openRoots([repo.folder]))).refused).toEqual([
      { name: 'nope', reason: 'does not exist' },
    ])
  })
})

describe('several roots', () => {
  test('are all looked through; names of the others begin with their folder, and may be given so', async () => {
    const parent = tempFolder()
    const [web, api] = [join(parent, 'web'), join(parent, 'api')]
    writeFiles(web, { 'a.ts': '', 'only-web': '' })
    writeFiles(api, { 'a.ts': '', 'only-api': '' })
    expect((await find(['a.ts', '*', 'api/a.ts', join(api, 'only-api')], web, api)).files).toMatchObject([
      { name: 'a.ts', path: join(web, 'a.ts') },
      { name: 'a.ts' },
      { name: 'only-web' },
      { name: 'api/a.ts' },
      { name: 'api/only-api' },
      { name: 'api/a.ts', path: join(api, 'a.ts') },
      { name: 'api/only-api' },
    ])
    expect((await find(['only-api'], web, api)).names).toEqual(['api/only-api'])
  })
})

test('what is found stays what it was, whatever lies there later', async () => {
  const { folder } = project()
  const { files } = await find(['src/deep/c.ts'], folder)
  renameSync(join(folder, 'src'), join(folder, 'moved'))
  mkdirSync(join(folder, 'src'))
  expect(files[0]?.path).toBe(join(folder, 'src/deep/c.ts'))
})

test('a caller may cancel', async () => {
  const { folder } = project()
  const found = projectFiles.find(['src'], openRoots([folder]), AbortSignal.abort())
  expect(await errorOf(found)).toMatchObject({ code: 'CANCELLED' })
})
