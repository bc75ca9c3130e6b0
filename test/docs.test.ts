import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readProject } from './support/project.ts'

const { text, json } = readProject
const root = join(import.meta.dirname, '..')
const DOCUMENTS = ['README.md', 'SECURITY.md', 'CONTRIBUTING.md', 'docs/architecture.md']

describe.each(DOCUMENTS)('%s', (document) => {
  const content = text(document)

  test('names files that are there', () => {
    const named = [...content.matchAll(/`((?:src|test|scripts|docs|dist|plugin|\.github)\/[\w./-]*)`/g)]
    const missing = named.map(([, path = '']) => path).filter((path) => !existsSync(join(root, path)))
    expect(missing).toEqual([])
  })

  test('links to files that are there, and to headings that they have', () => {
    const links = [...content.matchAll(/\]\(([^)#\s:]*)(?:#([^)]+))?\)/g)]
    const broken = links.filter(([, path = '', anchor]) => {
      const target = path === '' ? document : join(dirname(document), path)
      if (!existsSync(join(root, target))) return true
      return anchor !== undefined && !anchorsOf(text(target)).includes(anchor)
    })
    expect(broken.map(([link]) => link)).toEqual([])
  })

  test('names scripts that package.json has', () => {
    const named = [...content.matchAll(/npm run ([\w:]+)/g)].map(([, name = '']) => name)
    expect(named.filter((name) => !(name in json('package.json').scripts))).toEqual([])
  })
})

describe('SECURITY.md: every claim', () => {
  const rows = [...text('SECURITY.md').matchAll(/^\| (.*) \| (.*) \|$/gm)]
    .map(([, claim = '', tests = '']) => [claim, tests] as const)
    .filter(([claim, tests]) => claim !== 'claim' && !claim.startsWith('---') && tests.includes('`test/'))

  test('stands in a table with its tests, and there are many', () => {
    const sections = text('SECURITY.md')
      .split('\n## ')
      .find((section) => section.startsWith('What is defended'))
    const claims = [...(sections ?? '').matchAll(/^\| (?!claim |---)/gm)]
    expect(rows.length).toBe(claims.length)
    expect(rows.length).toBeGreaterThan(25)
  })

  test.each(rows)('%s', (_claim, tests) => {
    const unknown = testsNamed(tests).filter(([file, title]) => !hasTitle(text(file), title))
    expect(unknown).toEqual([])
  })

  test('a title that no test has would be noticed', () => {
    const named = testsNamed('`test/docs.test.ts` “a title that no test has”; “and another one”; `test/docs.test.ts`')
    expect(named.map(([file]) => file)).toEqual(Array(3).fill('test/docs.test.ts'))
    expect(hasTitle("test('a name', () => {})", 'a name')).toBe(true)
    expect(hasTitle("// a name\ntest('another one', () => {})", 'a name')).toBe(false)
  })
})

/** Files of tests, each with the titles named after it; without one the file alone. */
function testsNamed(cell: string): [file: string, title: string][] {
  return cell.split(/(?=`test\/)/).flatMap((part) => {
    const [, file] = /`(test\/[^`]+)`/.exec(part) ?? []
    if (file === undefined) return []
    const titles = [...part.matchAll(/“([^”]+)”/g)].map(([, title = '']) => title)
    return (titles.length === 0 ? [''] : titles).map((title): [string, string] => [file, title])
  })
}

/** In quotation marks: a comment is no test. */
function hasTitle(source: string, title: string): boolean {
  return source.split('\n').some((line) => line.includes(title) && /['"`]/.test(line.slice(0, line.indexOf(title))))
}

function anchorsOf(markdown: string): string[] {
  return [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w\s-]/g, '')
      .replace(/ /g, '-'),
  )
}
