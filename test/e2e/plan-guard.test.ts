import { expect, test } from 'vitest'
import { type CommandOptions, startCommand } from '../support/built-command.ts'
import { startBuiltServer } from '../support/built-server.ts'
import { freePorts } from '../support/free-ports.ts'
import {
  CODEX_TRAFFIC_BY_DEVICE,
  KEY,
  nothingTo,
  PLAN_TRAFFIC,
  startPlaces,
  traffic,
} from '../support/guarded-places.ts'
import { tempFolder } from '../support/temp-folder.ts'

/** The places, and a home from which the built program is started. */
async function start() {
  const places = await startPlaces()
  const env = {
    ...places.issuer.env({ CODEX_OAUTH_PORTS: (await freePorts(2)).join(',') }),
    ...places.settings,
    HOME: tempFolder(),
    PATH: '/usr/bin:/bin',
    OPENAI_API_KEY: KEY,
  }
  const begin = (args: readonly string[], options?: CommandOptions) => startCommand(env, args, options)
  const run = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await begin(args, { stdin: '' }).ended
    return { code, text: stdout + stderr }
  }
  return { places, env, begin, run }
}

test('every secret stays on its own route on the command line, each command a process of its own', async () => {
  const { places, begin, run } = await start()
  const { issuer } = places
  const byBrowser = begin(['login', '--plan'])
  const said = await byBrowser.said('Waiting up to')
  await issuer.browser(/^https?:\S+\/api\/accounts\/authorize\?\S+$/m.exec(said)?.[0] ?? '')
  expect((await byBrowser.ended).code).toBe(0)
  const byDevice = begin(['login', '--codex', '--device'])
  await byDevice.said('Waiting up to')
  issuer.approveDevice()
  expect((await byDevice.ended).code).toBe(0)
  for (const [option, answer] of [
    ['--plan', 'Hello from the fake plan.'],
    ['--codex', 'Hello from the fake Codex.'],
  ] as const) {
    expect(await run('login', option)).toMatchObject({ code: 0 })
    issuer.expireAccessTokens()
    issuer.plan.expireAccessTokens()
    expect(await run('ask', 'Anybody there?')).toMatchObject({ code: 0, text: expect.stringContaining(answer) })
    expect(await run('models')).toMatchObject({ code: 0 })
  }
  expect(await run('status')).toMatchObject({ code: 0 })
  await run('doctor')
  expect(await run('logout')).toMatchObject({ code: 0 })
  expect(traffic(places)).toEqual(
    [
      ...PLAN_TRAFFIC,
      ...CODEX_TRAFFIC_BY_DEVICE,
      // The doctor asks whether they are there.
      ...nothingTo('backend /models', 'keyApi /models', 'planApi /models'),
    ].sort(),
  )
  expect(issuer.plan.crossings).toEqual([])
})

test('and under the built server', async () => {
  const { places, env } = await start()
  const { issuer } = places
  const server = startBuiltServer({ ...env, CODEX_OAUTH_LOGIN_WAIT_MS: '1' })
  const hello = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } }
  await server.request(0, 'initialize', hello)
  server.send({ method: 'notifications/initialized' })
  const call = server.call
  await issuer.browser((await call('codex_login', { route: 'plan' })).data.url)
  await call('codex_login')
  await call('codex_login', { route: 'codex', method: 'device' })
  issuer.approveDevice()
  const state = async () => (await call('codex_status')).data.login?.state
  await expect.poll(state, { timeout: 10_000 }).toBe('succeeded')
  for (const route of ['codex', 'plan'] as const) {
    expect((await call('codex_login', { route })).data).toMatchObject({ status: 'authenticated', route })
    issuer.expireAccessTokens()
    issuer.plan.expireAccessTokens()
    expect((await call('codex_query', { prompt: 'Anybody there?' })).text).toContain('Hello from the fake')
    await call('codex_models')
  }
  expect((await call('codex_clear')).data).toMatchObject({ cleared: true, revoked: true })
  expect(traffic(places)).toEqual([...PLAN_TRAFFIC, ...CODEX_TRAFFIC_BY_DEVICE].sort())
  expect(issuer.plan.crossings).toEqual([])
})
