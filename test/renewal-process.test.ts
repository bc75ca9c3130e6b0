import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { type Config, loadConfig } from '../src/config.ts'
import { CodexError } from '../src/errors.ts'
import { RENEWAL_ARGUMENT, readWorkerInput, runWorker, startWorker } from '../src/renewal-process.ts'
import type { RenewalJob, RenewalResult } from '../src/services/login/renewal-job.ts'
import { PASSPHRASE_VARIABLE, SECRET_VARIABLES } from '../src/settings.ts'
import { tempFolder } from './support/temp-folder.ts'

const PASSPHRASE = 'FAKE passphrase'
const job: RenewalJob = { route: 'codex', subject: 'abc', number: 1, reason: 'proactive_expiry' }
const { execPath } = process

/** A program in the place of this one that writes down how it was started. */
function program(result: string) {
  const folder = tempFolder()
  const [entry, seen] = [join(folder, 'main.cjs'), join(folder, 'seen')]
  writeFileSync(
    entry,
    `let input = ''
    process.stdin.on('data', (text) => (input += text)).on('end', () => {
      const { argv, execArgv, env } = process
      require('node:fs').writeFileSync(${JSON.stringify(seen)}, JSON.stringify({ argv, execArgv, env, input }))
      console.log(${JSON.stringify(result)})
    })`,
  )
  return { entry, seen: () => JSON.parse(readFileSync(seen, 'utf8')) }
}

test('this program is started once more, with the passphrase where nobody else can read it', async () => {
  const { entry, seen } = program('{"kind":"over"}')
  const start = { execPath, execArgv: ['--no-warnings', '--inspect=0'], entry }
  expect(await startWorker(job, { start, passphrase: PASSPHRASE })).toEqual({ kind: 'over' })
  const { argv, execArgv, env, input } = seen()
  expect([argv.slice(1), execArgv]).toEqual([[entry, RENEWAL_ARGUMENT], ['--no-warnings']])
  expect(JSON.stringify([argv, env])).not.toContain(PASSPHRASE)
  expect(await readWorkerInput(Readable.from([Buffer.from(input)]))).toEqual({
    job,
    passphrase: PASSPHRASE,
  })
})

test('of the secrets in the environment a renewal needs the passphrase alone', () => {
  const load = (env: Record<string, string>) => Object.entries(loadConfig(env, () => '/home').config)
  const usual = new Map(load({}))
  const changedBy = (name: string) =>
    load({ [name]: 'FAKE-secret' }).flatMap(([key, value]) =>
      JSON.stringify(value) === JSON.stringify(usual.get(key as keyof Config)) ? [] : [key],
    )
  // A key and a token of the environment are used as they are: nobody renews them.
  const forRenewals = SECRET_VARIABLES.filter(
    (name) => changedBy(name).join() !== 'api' && changedBy(name).join() !== 'accessToken',
  )
  expect(forRenewals).toEqual([PASSPHRASE_VARIABLE])
  expect(changedBy(PASSPHRASE_VARIABLE)).toEqual(['passphrase'])
})

test.each([
  ['the program that runs this one is gone', { execPath: '/nowhere/node', entry: () => 'x' }],
  ['this program is gone', { execPath, entry: () => '/nowhere/main.js' }],
  ['another version of it is there', { execPath, entry: () => program('error: Unknown option').entry }],
])('no result when %s', async (_, { execPath, entry }) => {
  const start = { execPath, entry: entry(), execArgv: [] }
  expect(await startWorker(job, { start, passphrase: undefined })).toBeUndefined()
})

test.each(['', 'x', 'null', '7', '{"job":{"route":"other"}}', '{"passphrase":7}'])(
  'nothing was delegated: %s',
  async (text) => {
    const work = await readWorkerInput(Readable.from([Buffer.from(text)]))
    expect(work).toEqual({ job: undefined, passphrase: undefined })
    const ends: number[] = []
    const output = { write: () => expect.unreachable(), on: () => {} }
    const app = { runJob: () => expect.unreachable() }
    await runWorker({ app, work, output, exit: (code) => void ends.push(code) })
    expect(ends).toEqual([1])
  },
)

test('a job is done and its result written in one line', async () => {
  const lines: string[] = []
  const error = new CodexError('TIMEOUT', 'Too slow.', { retryable: true })
  const result: RenewalResult = { kind: 'failed', error, lasts: false }
  await runWorker({
    app: { runJob: async (given) => (given === job ? result : { kind: 'over' }) },
    work: { job, passphrase: undefined },
    output: { write: (text) => lines.push(text), on: () => {} },
    exit: () => expect.unreachable(),
  })
  expect(lines).toEqual([
    '{"kind":"failed","error":{"code":"TIMEOUT","message":"Too slow.","retryable":true},"lasts":false}\n',
  ])
})
