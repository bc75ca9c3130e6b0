import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { architectureProblems, MAY_USE_PROCESS, needsProcess } from './support/architecture.ts'
import { readSource } from './support/source-text.ts'

const root = join(import.meta.dirname, '..')

/** Every file of `src`, by its path there. */
function sources(): Record<string, string> {
  const names = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).map((name) =>
    name.replaceAll('\\', '/'),
  )
  const files = names.filter((name) => /\.\w+$/.test(name)).sort()
  return Object.fromEntries(files.map((name) => [name, readFileSync(join(root, 'src', name), 'utf8')]))
}

test('every import goes down, every word stays in its room', () => {
  expect(architectureProblems(sources())).toEqual([])
})

test('src is TypeScript only, and there is some of it', () => {
  const names = Object.keys(sources())
  expect(names.filter((name) => !name.endsWith('.ts'))).toEqual([])
  expect(names.length).toBeGreaterThan(40)
})

test('the files that may use process do', () => {
  const files = sources()
  expect(MAY_USE_PROCESS.filter((name) => !needsProcess(files[name] ?? ''))).toEqual([])
})

test('every file of src stands on the map', () => {
  const map = readFileSync(join(root, 'AGENTS.md'), 'utf8')
  expect(Object.keys(sources()).filter((name) => !map.includes(`\`${name}\``))).toEqual([])
})

test('the map shows each file of src once, and none that is not there', () => {
  const map = readFileSync(join(root, 'AGENTS.md'), 'utf8')
  const shown = [...map.matchAll(/`((?:tools|cli|services|infrastructure)\/[\w-]+\.ts)`/g)].map(([, name]) => name)
  expect(shown.filter((name) => !Object.keys(sources()).includes(name ?? ''))).toEqual([])
  expect(shown.filter((name, index) => shown.indexOf(name) !== index)).toEqual([])
})

describe('the check sees a planted fault:', () => {
  const faults: [string, string, string, string[]][] = [
    [
      'services',
      'services/a.ts',
      "import { createMcpServer } from '../server.ts'",
      ['imports createMcpServer from ../server.ts'],
    ],
    [
      'upwards',
      'infrastructure/a.ts',
      "import type { Config } from '../config.ts'",
      ['imports types from ../config.ts'],
    ],
    ['a dynamic import', 'services/a.ts', "const x = await import('../app.ts')", ['imports all from ../app.ts']],
    ['one over several lines', 'services/a.ts', "const x = import(\n  '../app.ts',\n)", ['imports all from ../app.ts']],
    ['a re-export', 'infrastructure/a.ts', "export { b } from '../services/b.ts'", ['imports b from ../services/b.ts']],
    ['a re-export of all', 'tools/a.ts', "export * from '../services/b.ts'", ['imports * from ../services/b.ts']],
    ['a side effect', 'tools/a.ts', "import '../services/b.ts'", ['imports all from ../services/b.ts']],
    [
      'a value among types',
      'tools/a.ts',
      "import { type B, c } from '../services/b.ts'",
      ['imports c from ../services/b.ts'],
    ],
    [
      'a wrong value beside a right one',
      'tools/a.ts',
      "import { maskEmail, readIdClaims } from '../services/oauth/id-claims.ts'",
      ['imports maskEmail, readIdClaims from ../services/oauth/id-claims.ts'],
    ],
    [
      'a namespace',
      'tools/a.ts',
      "import * as all from '../services/oauth/id-claims.ts'",
      ['imports * from ../services/oauth/id-claims.ts'],
    ],
    [
      'the config as a value',
      'services/a.ts',
      "import { loadConfig } from '../config.ts'",
      ['imports loadConfig from ../config.ts'],
    ],
    [
      'an edge in the wrong room',
      'main.ts',
      "import { createHttpClient } from './infrastructure/http-client.ts'",
      ['imports createHttpClient from ./infrastructure/http-client.ts'],
    ],
    [
      'a value of the log',
      'stdio.ts',
      "import { createLog } from './infrastructure/log.ts'",
      ['imports createLog from ./infrastructure/log.ts'],
    ],
    [
      'MCP in a service',
      'services/a.ts',
      "import type { Server } from '@modelcontextprotocol/sdk/server/index.js'",
      ['imports types from @modelcontextprotocol/sdk/server/index.js'],
    ],
    [
      'files in a service',
      'services/a.ts',
      "import { readFileSync } from 'node:fs'",
      ['imports readFileSync from node:fs'],
    ],
    ['a package nobody agreed to', 'infrastructure/a.ts', "import x from 'left-pad'", ['imports x from left-pad']],
    [
      'a way out of src',
      'infrastructure/a.ts',
      "import x from '../../test/support/b.ts'",
      ['imports x from ../../test/support/b.ts'],
    ],
    ['a computed import', 'services/a.ts', `await import(\`../\${name}.ts\`)`, ['imports something computed']],
    ['require', 'infrastructure/a.ts', 'const x = require(name)', ['imports something computed']],
    [
      'createRequire',
      'infrastructure/a.ts',
      'const load = createRequire(import.meta.url)',
      ['imports something computed'],
    ],
    ['a file in no room', 'helpers/a.ts', '', ['belongs to no room']],
    ['a file beside the rooms', 'utils.ts', '', ['belongs to no room']],
    ['process', 'services/a.ts', 'const env = process.env', ['uses process']],
    ['process in a template', 'tools/a.ts', `const x = \`pid \${process.pid}\``, ['uses process']],
    ['process by import', 'infrastructure/a.ts', "import { env } from 'node:process'", ['uses process']],
    ['console', 'main.ts', "console.error('x')", ['uses console']],
    ['a default export', 'errors.ts', 'export default class A {}', ['has a default export']],
    ['a default export by name', 'errors.ts', 'export { A as default }', ['has a default export']],
    ['the clock', 'services/a.ts', 'const now = Date.now()', ['reaches for Date.now']],
    ['chance', 'services/a.ts', 'const x = Math.random()', ['reaches for Math.random']],
    ['the network', 'services/a.ts', "await fetch('https://example.com')", ['reaches for fetch']],
    ['a timer', 'tools/a.ts', 'setTimeout(() => {}, 1)', ['reaches for setTimeout']],
  ]
  test.each(faults)('%s', (_, path, text, expected) => {
    expect(architectureProblems({ [path]: `/** Fine. */\n${text}\n` })).toEqual(
      expected.map((what) => `${path} ${what}`),
    )
  })

  test.each([
    ['a comment', 'services/a.ts', "// import { x } from '../app.ts'\n/* process.exit(), console.log() */"],
    ['a text', 'services/a.ts', 'const words = \'Another process, see console; import("../app.ts")\''],
    ['a template', 'services/a.ts', `const words = \`end that process \${name} or console\``],
    ['a pattern', 'services/a.ts', 'const quote = /[\'"`]process/.test(x) // and so on\nconst half = a / b / process1'],
    ['a field', 'services/a.ts', 'const x = given.process; given.console?.log(x); given.fetch(x)'],
    [
      'a type of a service',
      'tools/a.ts',
      "import type { B } from '../services/b.ts'\nimport { type C } from '../services/c.ts'",
    ],
    ['the one helper', 'tools/a.ts', "import { maskEmail } from '../services/oauth/id-claims.ts'"],
    ['a late part', 'services/a.ts', "const { b } = await import('../infrastructure/b.ts')"],
    ['a given date', 'services/a.ts', 'const day = new Date(atMs)'],
  ])('not in %s', (_, path, text) => {
    expect(architectureProblems({ [path]: text })).toEqual([])
  })
})

test('imports are read as they are written', () => {
  const text = `
    import first, { second as other, type Third } from './a.ts'
    import {
      type A,
      type B,
    } from "./b.ts"
    export type { C } from './c.ts'
    const d = \`\${await import('./d.ts')} 'not \\\` one'\`
  `
  expect(readSource(text).imports).toEqual([
    { from: './a.ts', names: ['first', 'second'], typeOnly: false },
    { from: './b.ts', names: [], typeOnly: true },
    { from: './c.ts', names: [], typeOnly: true },
    { from: './d.ts', names: [], typeOnly: false },
  ])
})
