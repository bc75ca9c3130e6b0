import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { CodexError } from '../src/errors.ts'
import { handOver, RENEWAL_ARGUMENT, readHanded, runRenewal } from '../src/renewal-process.ts'
import type { RenewalOrder, RenewalReport } from '../src/services/renewal-order.ts'
import { tempFolder } from './support/temp-folder.ts'

const PASSPHRASE = 'FAKE passphrase'
const order: RenewalOrder = { route: 'codex', subject: 'abc', number: 1, reason: 'proactive_expiry' }
const { execPath } = process

/** A program in the place of this one that writes down how it was started. */
function program(report: string) {
  const folder = tempFolder()
  const [entry, seen] = [join(folder, 'main.cjs'), join(folder, 'seen')]
  writeFileSync(
    entry,
    `let input = ''
    process.stdin.on('data', (text) => (input += text)).on('end', () => {
      const { argv, execArgv, env } = process
      require('node:fs').writeFileSync(${JSON.stringify(seen)}, JSON.stringify({ argv, execArgv, env, input }))
      console.log(${JSON.stringify(report)})
    })`,
  )
  return { entry, seen: () => JSON.parse(readFileSync(seen, 'utf8')) }
}

test('this program is started once more, with secrets where nobody else can read them', async () => {
  const { entry, seen } = program('{"kind":"over"}')
  const start = { execPath, execArgv: ['--no-warnings', '--inspect=0'], entry }
  expect(await handOver(order, { start, passphrase: PASSPHRASE })).toEqual({ kind: 'over' })
  const { argv, execArgv, env, input } = seen()
  expect([argv.slice(1), execArgv]).toEqual([[entry, RENEWAL_ARGUMENT], ['--no-warnings']])
  expect(JSON.stringify([argv, env])).not.toContain(PASSPHRASE)
  expect(await readHanded(Readable.from([Buffer.from(input)]))).toEqual({
    order,
    secrets: { CODEX_OAUTH_PASSPHRASE: PASSPHRASE },
  })
})

test.each([
  ['the program that runs this one is gone', { execPath: '/nowhere/node', entry: () => 'x' }],
  ['this program is gone', { execPath, entry: () => '/nowhere/main.js' }],
  ['another version of it is there', { execPath, entry: () => program('error: Unknown option').entry }],
])('no report when %s', async (_, { execPath, entry }) => {
  const start = { execPath, entry: entry(), execArgv: [] }
  expect(await handOver(order, { start, passphrase: undefined })).toBeUndefined()
})

test.each(['', 'x', 'null', '7', '{"order":{"route":"other"}}', '{"secrets":{"CODEX_OAUTH_PASSPHRASE":7}}'])(
  'nothing was handed over: %s',
  async (text) => {
    const handed = await readHanded(Readable.from([Buffer.from(text)]))
    expect(handed).toEqual({ order: undefined, secrets: {} })
    const ends: number[] = []
    const output = { write: () => expect.unreachable(), on: () => {} }
    const app = { takeOver: () => expect.unreachable() }
    await runRenewal({ app, handed, output, exit: (code) => void ends.push(code) })
    expect(ends).toEqual([1])
  },
)

test('what was handed over is done and reported in one line', async () => {
  const lines: string[] = []
  const error = new CodexError('TIMEOUT', 'Too slow.', { retryable: true })
  const report: RenewalReport = { kind: 'failed', error, lasts: false }
  await runRenewal({
    app: { takeOver: async (given) => (given === order ? report : { kind: 'over' }) },
    handed: { order, secrets: {} },
    output: { write: (text) => lines.push(text), on: () => {} },
    exit: () => expect.unreachable(),
  })
  expect(lines).toEqual([
    '{"kind":"failed","error":{"code":"TIMEOUT","message":"Too slow.","retryable":true},"lasts":false}\n',
  ])
})
