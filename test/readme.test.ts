import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { EXIT_CODES } from '../src/cli/help.ts'
import { ERROR_CODES } from '../src/errors.ts'
import { withTables } from './support/readme-tables.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

test('the tables of tools and settings are what the code says (npm run docs writes them)', () => {
  expect(readme).toBe(withTables(readme))
})

test('every error code has its row, and no row is left from a code that is gone', () => {
  const section = readme.slice(readme.indexOf('## Errors'), readme.indexOf('## Troubleshooting'))
  const codes = [...section.matchAll(/^\| `(\w+)` \|/gm)].map(([, code]) => code)
  expect(codes.sort()).toEqual([...ERROR_CODES].sort())
})

test('the exit codes are those of the command line', () => {
  const section = readme.slice(readme.indexOf('## Command line'), readme.indexOf('## Settings'))
  const rows = [...section.matchAll(/^\| (\d+) \| (.*) \|$/gm)].map(([, code, meaning = '']) => [Number(code), meaning])
  const withoutLinks = rows.map(([code, meaning]) => [code, String(meaning).replace(/\[(.*?)\]\(.*?\)/g, '$1')])
  expect(withoutLinks).toEqual(EXIT_CODES)
})

test('the two set-up commands stand in the README as people type them', () => {
  expect(readme).toContain('npm ci && npm run demo')
  expect(readme).toContain('npm ci && npm test')
})
