import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { startBuiltServer } from '../support/built-server.ts'
import { startFakeOpenAI } from '../support/fake-openai.ts'
import { fakeRoute } from '../support/fake-route.ts'
import { gate, late } from '../support/fake-script.ts'
import { freePorts } from '../support/free-ports.ts'
import { tempFolder } from '../support/temp-folder.ts'

/** A home in which somebody is signed in for plan usage, with a token that has expired. */
async function place() {
  const fake = await startFakeOpenAI()
  onTestFinished(() => fake.close())
  const home = tempFolder()
  const file = join(home, '.claude', 'auth.json')
  mkdirSync(join(home, '.claude'), { mode: 0o700 })
  const at = fakeRoute(fake, 'plan')
  const { fields, tokens } = at.issue()
  writeFileSync(file, JSON.stringify({ [at.key]: { ...fields, expires_at: 1_790_000_000 } }), { mode: 0o600 })
  const ports = (await freePorts(2)).join(',')
  const env = { ...fake.env({ CODEX_OAUTH_PORTS: ports }), HOME: home, PATH: '/usr/bin:/bin' }
  const start = async () => {
    const server = startBuiltServer(env)
    const hello = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } }
    await server.request(0, 'initialize', hello)
    server.send({ method: 'notifications/initialized' })
    return server
  }
  return { fake, at, start, spent: tokens, record: () => JSON.parse(readFileSync(file, 'utf8'))[at.key] }
}

test('two servers that find the plan token expired renew it once', async () => {
  const { fake, at, start, spent, record } = await place()
  const servers = await Promise.all([start(), start()])
  const answer = gate()
  at.script.token.push(late(answer.promise))
  const calls = servers.map((server) => server.call('codex_query', { prompt: 'Hello?' }))
  await fake.arrival(at.tokenPath)
  answer.open()
  for (const { text } of await Promise.all(calls)) expect(text).toContain('Hello from the fake plan.')
  expect([at.grants(), at.reuses()]).toEqual([['refresh_token'], 0])
  expect(record().refresh_token).not.toBe(spent.refresh_token)
  expect([fake.seen.refusals, fake.plan.crossings]).toEqual([[], []])
})

test('a server that is told to end during a refresh stores what comes, and is gone', async () => {
  const { fake, at, start, spent, record } = await place()
  const server = await start()
  fake.plan.options.idTokenOnRefresh = true
  const answer = gate()
  at.script.token.push(late(answer.promise))
  const call = server.call('codex_query', { prompt: 'Hello?' })
  call.catch(() => {})
  await fake.arrival(at.tokenPath)
  const ending = server.endBy(() => {
    server.child.kill('SIGTERM')
    answer.open()
  })
  expect(await ending).toMatchObject({ code: 0, ms: expect.toSatisfy((ms: number) => ms < 2000) })
  expect(record().refresh_token).not.toBe(spent.refresh_token)
  expect([at.grants(), at.reuses()]).toEqual([['refresh_token'], 0])

  const { text } = await (await start()).call('codex_query', { prompt: 'Hello?' })
  expect(text).toContain('Hello from the fake plan.')
  expect(at.grants()).toEqual(['refresh_token'])
})

test.each(['SIGKILL', 'SIGTERM'] as const)(
  '%s while the ID token of a renewal is checked loses nothing',
  async (signal) => {
    const { fake, at, start, spent, record } = await place()
    fake.plan.options.idTokenOnRefresh = true
    const keys = gate()
    onTestFinished(keys.open)
    fake.plan.script.jwks.always(late(keys.promise))
    const server = await start()
    server.call('codex_query', { prompt: 'Hello?' }).catch(() => {})
    await fake.arrival(at.tokenPath)
    // Whoever checks first would store after five seconds.
    await expect.poll(() => record().refresh_token, { timeout: 4_000 }).not.toBe(spent.refresh_token)
    await server.endBy(() => server.child.kill(signal))
    const renewed = record()
    expect([renewed.access_token, at.grants()]).toEqual([expect.any(String), ['refresh_token']])

    // Renewed once more by the next server, from what the first has left.
    fake.plan.script.jwks.always(undefined)
    at.expireAccessTokens()
    const { text } = await (await start()).call('codex_query', { prompt: 'Hello?' })
    expect(text).toContain('Hello from the fake plan.')
    expect([at.grants(), at.reuses()]).toEqual([['refresh_token', 'refresh_token'], 0])
    expect(record().refresh_token).not.toBe(renewed.refresh_token)
  },
)
