import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { CodexError } from '../../../src/errors.ts'
import { type Clock, systemClock } from '../../../src/infrastructure/clock.ts'
import type { TokenRecord } from '../../../src/infrastructure/token-storage.ts'
import type { Credential } from '../../../src/services/login/credentials.ts'
import { inWords, startDoctorBench } from '../../support/doctor-bench.ts'
import { errorOf } from '../../support/error-of.ts'
import { gate, late } from '../../support/fake-script.ts'
import { startServer } from '../../support/start-server.ts'
import { tempFolder } from '../../support/temp-folder.ts'

const NAMES = [
  'node',
  'settings',
  'surroundings',
  'browser',
  'loopback',
  'proxy',
  'certificates',
  'tls',
  'sign-in service',
  'clock',
  'model service',
  'API',
  'credentials file',
  'folder',
  'lock',
  'claims',
  'sign-in',
  'account',
  'credential',
  'models',
]

test('a machine on which all is well has no remedy to give', async () => {
  const bench = await startDoctorBench()
  bench.signIn()
  const checks = await bench.run()
  expect(checks.map(({ name }) => name).filter((name) => !name.startsWith('port '))).toEqual(NAMES)
  expect(checks.filter(({ name }) => name.startsWith('port '))).toHaveLength(2)
  expect(checks.filter(({ state }) => state !== 'ok').map(inWords)).toEqual([
    'skipped: No API key is set, so the API is not used.',
  ])
  expect(checks.filter(({ remedy }) => remedy !== undefined)).toEqual([])
})

test('a machine on which nothing is set up is told where to begin', async () => {
  const bench = await startDoctorBench()
  const notOk = (await bench.run()).filter(({ state }) => state !== 'ok')
  expect(notOk.map(({ name, state }) => [name, state])).toEqual([
    ['API', 'skipped'],
    ['sign-in', 'skipped'],
    ['account', 'skipped'],
    ['credential', 'problem'],
    ['models', 'skipped'],
  ])
  expect(notOk[3]?.finding).toBe('You are not signed in. [NOT_AUTHENTICATED]')
  expect(notOk[3]?.remedy).toContain('codex_login')
})

test('every warning and every problem has a remedy, and both are sentences', async () => {
  const bench = await startDoctorBench({
    env: {
      CODEX_OAUTH_ISSUER: 'http://127.0.0.1:1',
      CODEX_OAUTH_BASE_URL: 'http://127.0.0.1:1/codex',
      NODE_EXTRA_CA_CERTS: '/nowhere/ca.pem',
      NODE_TLS_REJECT_UNAUTHORIZED: '0',
      CODEX_OAUTH_MODEL: 'a b',
    },
    deps: { surroundings: { place: 'ssh', hasBrowser: false } },
  })
  bench.signIn(-10)
  const checks = await bench.run()
  const bad = checks.filter(({ state }) => state === 'warning' || state === 'problem')
  expect(bad.length).toBeGreaterThan(7)
  for (const { finding, remedy } of bad) {
    expect(finding).toMatch(/[.\]]$/)
    expect(remedy).toMatch(/[.\w]$/)
  }
})

test('nothing in it is secret: no token, no key, no password of a proxy, no whole e-mail address, no home folder', async () => {
  const link = join(tempFolder(), 'jane')
  const target = tempFolder()
  symlinkSync(target, link)
  const bench = await startDoctorBench({
    home: link,
    env: {
      CODEX_API_KEY: 'sk-FAKE-canary-0001',
      NODE_EXTRA_CA_CERTS: join(link, 'ca.pem'),
      CODEX_OAUTH_MODEL: 'gpt-none',
    },
  })
  const network = { httpsProxy: 'http://user:PASSWORD-canary@proxy.example:3128/', httpProxy: undefined }
  bench.deps.config.network = {
    ...network,
    noProxy: 'localhost',
    caFiles: bench.config.network?.caFiles ?? [],
    problem: undefined,
  }
  bench.signIn(100)
  const text = JSON.stringify(await bench.run())
  for (const secret of bench.fake.secrets()) expect(text).not.toContain(secret)
  expect(text).not.toMatch(/canary|user:|person@example\.com|acct-fake/)
  expect(text).not.toContain(link)
  expect(text).not.toContain(target)
  expect(text).toContain('proxy.example:3128')
  expect(text).toContain('p…n@example.com')
  expect(text).toMatch(/~\/\.claude\/auth\.json/)
  expect(text).toContain('~/ca.pem')
  expect(bench.logged.join('\n')).not.toContain('FAKE')
})

test('a home that is the root folder, or none, is not looked for', async () => {
  for (const home of ['/', '']) {
    const bench = await startDoctorBench()
    bench.deps.machine.home = home
    expect((await bench.lines('credentials file'))[0]).toContain(bench.file)
  }
})

test('a check that fails in a way nobody foresaw is a line like others', async () => {
  const bench = await startDoctorBench({
    deps: {
      claims: {
        list: () => {
          throw new TypeError('secret FAKE detail')
        },
        ownerIsDead: () => false,
      },
    },
  })
  expect(await bench.lines('claims')).toEqual([
    'problem: The check itself failed unexpectedly. → Run it again; if it happens every time, report it together with these lines.',
  ])
})

/** Limits pass ten times as fast. */
const fast: Clock = { now: () => Date.now(), sleep: (ms, signal) => systemClock.sleep(ms / 10, signal) }

test('a check that takes too long is a line like others', async () => {
  const bench = await startDoctorBench({ deps: { clock: fast } })
  bench.signIn(-10)
  const { promise, open } = gate()
  onTestFinished(open)
  bench.fake.script.token.push(late(promise))
  expect(await bench.lines('sign-in')).toEqual([
    'warning: The check was not over after 8 s. → Run it again: what it had begun goes on by itself.',
  ])
  open()
  await bench.deps.refresher.renew(bench.deps.storage.read().record as TokenRecord, 'proactive_expiry')
  expect(bench.fake.seen.grants).toEqual(['refresh_token'])
})

test('when nobody answers at all, it is over within 20 s', async () => {
  let open = 0
  const silent = await startServer((_, response) => {
    open += 1
    response.once('close', () => {
      open -= 1
    })
  })
  const bench = await startDoctorBench({
    env: {
      CODEX_OAUTH_ISSUER: silent.origin,
      CODEX_OAUTH_BASE_URL: `${silent.origin}/codex`,
      OPENAI_BASE_URL: `${silent.origin}/v1`,
      CODEX_API_KEY: 'sk-FAKE-0001',
    },
    deps: { clock: fast },
  })
  bench.signIn(-10)
  const never = () => new Promise<never>(() => {})
  bench.deps.storage = { ...bench.deps.storage, unlock: never }
  bench.deps.catalogue = { list: never }
  bench.deps.credentials = { current: async () => ({ label: 'x' }) as Credential }
  const begun = performance.now()
  const checks = await bench.run()
  expect((performance.now() - begun) * 10).toBeLessThan(20_000 + 4_000)
  const late = checks.filter(({ finding }) => finding.startsWith('The check was not over')).map(({ name }) => name)
  expect(late).toEqual(['sign-in service', 'model service', 'API', 'store', 'sign-in', 'models'])
  // The renewal alone goes on: what was sent must be stored.
  expect([silent.hits, open]).toEqual([4, 1])
})

test('a store that has to be opened first is, and its failure is a line', async () => {
  const bench = await startDoctorBench()
  const { storage } = bench.deps
  let unlocked = 0
  bench.deps.storage = {
    ...storage,
    unlock: async () => {
      unlocked += 1
      throw new CodexError('STORAGE_FAILED', 'The keychain did not answer.', { hint: 'Unlock it.' })
    },
  }
  expect(await bench.lines('store')).toEqual(['problem: The keychain did not answer. [STORAGE_FAILED] → Unlock it.'])
  expect(unlocked).toBe(1)
})

test('a cancel ends it at once', async () => {
  const bench = await startDoctorBench()
  bench.signIn(-10)
  const { promise, open } = gate()
  onTestFinished(open)
  bench.fake.script.token.push(late(promise))
  const cancel = new AbortController()
  const report = errorOf(bench.run(cancel.signal))
  await bench.fake.arrival('/oauth/token')
  const cancelledAt = performance.now()
  cancel.abort()
  expect((await report).code).toBe('CANCELLED')
  expect(performance.now() - cancelledAt).toBeLessThan(1_000)
})

test('a cancel that came first asks nobody', async () => {
  const bench = await startDoctorBench()
  const cancel = new AbortController()
  cancel.abort()
  expect((await errorOf(bench.run(cancel.signal))).code).toBe('CANCELLED')
  await setImmediate()
  expect(bench.fake.seen.requests).toEqual([])
})
