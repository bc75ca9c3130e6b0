import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, test } from 'vitest'
import { below, openRoots, placeAt, placesNamed, type Root } from '../../src/infrastructure/project-roots.ts'
import { errorOf } from '../support/error-of.ts'
import { writeFiles } from '../support/git-repo.ts'
import { tempFolder } from '../support/temp-folder.ts'

describe('roots', () => {
  test('by path or as URI with escapes, each once, the first one without a label', () => {
    const [one, two] = [join(tempFolder(), 'ein Ordner %20'), tempFolder()]
    mkdirSync(one)
    const roots = openRoots([pathToFileURL(one).href, one, two, `${two}/`])
    expect(roots.map(({ path, label }) => [path, label])).toEqual([
      [one, ''],
      [two, `${basename(two)}/`],
    ])
  })

  test('what is no folder on this machine is left out, and so is the whole disk', async () => {
    const folder = tempFolder()
    writeFileSync(join(folder, 'file'), '')
    const useless = [
      join(folder, 'file'),
      join(folder, 'missing'),
      'relative',
      '',
      'file://elsewhere/share',
      'file:///a%2Fb',
      'https://example.com/',
      '/',
      'file:///',
      'file:',
    ]
    expect(openRoots([...useless, folder]).map(({ path }) => path)).toEqual([folder])
    expect(await errorOf(() => openRoots(useless))).toMatchObject({ code: 'INPUT_INVALID' })
    expect(await errorOf(() => openRoots([]))).toMatchObject({ code: 'INPUT_INVALID' })
  })

  test('links to folders are followed', () => {
    const folder = tempFolder()
    mkdirSync(join(folder, 'real'))
    symlinkSync('real', join(folder, 'link'))
    expect(openRoots([join(folder, 'link')])).toEqual([
      { given: join(folder, 'link'), path: join(folder, 'real'), label: '' },
    ])
  })
})

describe('names', () => {
  const root = (path: string, label = ''): Root => ({ given: path, path, label })
  const namesOf = (text: string, roots: readonly Root[]) => {
    const places = placesNamed(text, roots)
    return 'reason' in places ? places.reason : places.map(({ root, name }) => root.label + name)
  }

  test('are taken as they are, but for dots and slashes that say nothing', () => {
    const roots = [root('/p')]
    expect(namesOf('./src//a.ts/', roots)).toEqual(['src/a.ts'])
    expect(namesOf('.', roots)).toEqual([''])
    expect(namesOf('-p', roots)).toEqual(['-p'])
    expect(namesOf('~/x', roots)).toEqual(['~/x'])
    expect(namesOf('a..b', roots)).toEqual(['a..b'])
  })

  test('that are absolute have to begin with a root', () => {
    const roots = [root('/p'), root('/q/api', 'api/')]
    expect(namesOf('/p/src/a.ts', roots)).toEqual(['src/a.ts'])
    expect(namesOf('/q/api/b', roots)).toEqual(['api/b'])
    expect(namesOf('/p', roots)).toEqual([''])
    for (const outside of ['/etc/passwd', '/private', '/p2/x', '/q/api2', '/']) {
      expect(namesOf(outside, roots)).toBe('lies outside the project')
    }
  })

  test('are looked for in every root, with or without its label', () => {
    expect(namesOf('api/b', [root('/p'), root('/q/api', 'api/')])).toEqual(['api/b', 'api/api/b', 'api/b'])
  })

  test('never lead upwards, and have to be some', () => {
    const roots = [root('/p')]
    for (const text of ['..', '../x', 'src/../x', '/p/../etc/passwd', 'a/..']) {
      expect(namesOf(text, roots)).toContain('has “..” in it')
    }
    for (const text of ['', ' ', 'a\0b', 'x'.repeat(4097)]) expect(namesOf(text, roots)).toBe('is no name')
  })

  test('a path that reaches the root by another link', () => {
    const folder = tempFolder()
    writeFiles(folder, { 'real/a.ts': '' })
    symlinkSync('real', join(folder, 'link'))
    expect(namesOf(join(folder, 'link', 'a.ts'), openRoots([join(folder, 'real')]))).toEqual(['a.ts'])
  })
})

describe('places', () => {
  function project() {
    const folder = tempFolder()
    writeFiles(folder, { 'project/src/a.ts': 'a', 'outside/secret': 's', 'project-twin/x': '' })
    const [root] = openRoots([join(folder, 'project')])
    if (root === undefined) throw new Error('no root')
    const link = (target: string, name: string) => symlinkSync(target, join(root.path, name))
    return { folder, root, link, at: (name: string) => placeAt({ root, name }, [root]) }
  }

  test('are files and folders, and links between them', () => {
    const { root, link, at } = project()
    link('src/a.ts', 'in')
    link('src', 'folder')
    const file = { kind: 'file', path: join(root.path, 'src/a.ts') }
    expect(['src/a.ts', 'in', 'folder/a.ts'].map(at)).toEqual([file, file, file])
    expect(at('src')).toEqual({ kind: 'folder', path: join(root.path, 'src') })
    expect(at('')).toEqual({ kind: 'folder', path: root.path })
  })

  test('are none where a link leads out, at the end, in the middle, or over several', () => {
    const { folder, link, at } = project()
    link(join(folder, 'outside', 'secret'), 'absolute')
    link('../outside/secret', 'relative')
    link('../outside', 'middle')
    link('relative', 'chained')
    link('../project-twin', 'twin')
    link('/', 'disk')
    const reason = 'leads out of the project through a link'
    for (const name of ['absolute', 'relative', 'middle/secret', 'middle', 'chained', 'twin/x', 'disk/etc/passwd']) {
      expect(at(name)).toEqual({ kind: 'refused', reason })
    }
  })

  test('a link in a circle, one that leads nowhere, and names of what is not there', () => {
    const { link, at } = project()
    link('b', 'a')
    link('a', 'b')
    link('nowhere', 'dangling')
    expect(at('a')).toEqual({ kind: 'refused', reason: 'is a link that leads in a circle' })
    for (const name of ['dangling', 'missing', 'src/a.ts/below', 'x'.repeat(300)]) {
      expect(at(name)).toEqual({ kind: 'missing' })
    }
  })

  test('a link into another root is none that leads out', () => {
    const { folder, root, link } = project()
    link('../outside/secret', 'link')
    const roots = openRoots([root.path, join(folder, 'outside')])
    expect(placeAt({ root, name: 'link' }, roots)).toMatchObject({ kind: 'file' })
  })

  test.runIf(process.platform !== 'win32')('a named pipe and a device are no files', () => {
    const { root, at, link } = project()
    expect(spawnSync('mkfifo', [join(root.path, 'pipe')]).status).toBe(0)
    link('/dev/zero', 'zero')
    expect(at('pipe')).toEqual({ kind: 'refused', reason: 'is not a regular file' })
    expect(at('zero')).toMatchObject({ kind: 'refused' })
  })

  test.runIf(process.getuid?.() !== 0)('a folder that may not be entered', () => {
    const { root, at } = project()
    chmodSync(join(root.path, 'src'), 0o000)
    expect(at('src/a.ts')).toEqual({ kind: 'refused', reason: 'may not be read by this user' })
    chmodSync(join(root.path, 'src'), 0o700)
  })
})

test('below is about folders, not about beginnings', () => {
  expect(below('/a/b', '/a/b/c/d')).toBe('c/d')
  expect(below('/a/b', '/a/b')).toBe('')
  expect(below('/a/b', '/a/bc')).toBeUndefined()
  expect(below('/a/b', '/a')).toBeUndefined()
  expect(below('/a/b', '/a/b/..c')).toBe('..c')
})
