import { expect, test } from 'vitest'
import type { LoginOptions } from '../../src/services/sign-in/sign-in.ts'
import type { LoginOutcome, PendingLogin } from '../../src/services/sign-in/sign-in-view.ts'
import { codexLogin } from '../../src/tools/codex-login.ts'
import { toolCall } from '../support/tool-call.ts'

const NOW = 1_800_000_000_000

/** What the tool makes of this outcome, and what it asked for. */
async function run(outcome: LoginOutcome, args: Record<string, unknown> = {}) {
  const asked: LoginOptions[] = []
  const signIn = {
    login: async (options: LoginOptions) => {
      asked.push(options)
      return outcome
    },
    view: () => undefined,
    cancel: async () => {},
  }
  const tool = codexLogin({ signIn, now: () => NOW })
  const offerAddress = async () => 'cancel' as const
  const call = toolCall({ offerAddress })
  const output = await tool.run(tool.input.parse(args) as never, call)
  const data = JSON.parse(JSON.stringify('structured' in output ? output.structured : {}))
  expect(tool.output?.safeParse(data).success).toBe(true)
  return { data, asked, call }
}

const pending: PendingLogin = {
  status: 'pending',
  method: 'browser',
  reason: 'A browser can be opened on this machine.',
  url: 'https://auth.example/oauth/authorize?state=x',
  userCode: undefined,
  port: 1457,
  expiresAt: NOW + 200_500,
  opened: true,
  closed: [],
}

const device: PendingLogin = {
  ...pending,
  method: 'device',
  reason: 'This is an SSH session.',
  url: 'https://auth.example/codex/device',
  userCode: 'ABCD-12345',
  port: undefined,
  opened: false,
}

function signedInAs(account: { accountId?: string; email?: string; plan?: string }, fresh = true): LoginOutcome {
  const claims = { accountId: undefined, email: undefined, plan: undefined, fedramp: false, ...account }
  return { status: 'authenticated', account: claims, fresh }
}

test('nothing is chosen unless asked for; signal, progress and dialogs are handed on', async () => {
  const { asked, call } = await run(pending)
  const { signal, progress: onProgress, offerAddress: offer } = call
  expect(asked).toEqual([{ force: false, method: undefined, callbackUrl: undefined, offer, signal, onProgress }])
  expect((await run(device, { method: 'device' })).asked[0]?.method).toBe('device')
  expect((await run(pending, { callback_url: ' http://localhost:1455/x ' })).asked[0]?.callbackUrl).toBe(
    'http://localhost:1455/x',
  )
  expect((await run(pending, { force: true })).asked[0]?.force).toBe(true)
})

test('"pending" has the way and why, the address, the seconds left, the port, and the other ways', async () => {
  const { data } = await run(pending)
  expect(data).toMatchObject({
    status: 'pending',
    method: 'browser',
    reason: pending.reason,
    url: pending.url,
    expires_in_seconds: 201,
    other_ways: [
      expect.stringContaining('callback_url'),
      expect.stringContaining('method "device"'),
      expect.stringContaining('CODEX_API_KEY'),
    ],
  })
  expect(data).not.toHaveProperty('user_code')
  expect(data.message).toBe(
    [
      'A browser can be opened on this machine. Waiting for you in the browser.',
      `The answer is expected on port 1457 of this machine: ${pending.url}`,
      'Call codex_login again when done.',
      ...data.other_ways,
    ].join(' '),
  )
})

test('what there is to know besides comes before all that', async () => {
  const { data } = await run({ ...pending, notes: ['The last sign-in failed: It was refused.'] })
  expect(data.message).toMatch(/^The last sign-in failed: It was refused\. A browser can be opened on this machine\. /)
})

test('a browser that was not opened is said first', async () => {
  const { data } = await run({ ...pending, opened: false, reason: 'No browser could be started.' })
  expect(data.message).toMatch(/^No browser could be started\. Open the address yourself, in a browser\. /)
  expect(data.message).toContain(pending.url)
})

test('a device sign-in has the code and where to enter it', async () => {
  const { data } = await run(device)
  expect(data).toMatchObject({ method: 'device', user_code: 'ABCD-12345', url: device.url })
  expect(data.message).toMatch(
    /^This is an SSH session\. Open https:\S+ in any browser and enter the code ABCD-12345\./,
  )
  expect(data.other_ways[0]).toContain('method "browser"')
})

test('a device sign-in beside an open browser sign-in names the pasted address instead', async () => {
  expect((await run({ ...device, port: 1455 })).data.other_ways[0]).toContain('callback_url')
})

test('a way that was tried and is closed is not offered again', async () => {
  const { data } = await run({ ...pending, closed: ['device'] })
  expect(data.other_ways.join()).not.toContain('device')
  expect((await run({ ...device, closed: ['browser'] })).data.other_ways.join()).not.toContain('"browser"')
})

test('where nobody can listen, the last page is said to be none of ours', async () => {
  const { data } = await run({ ...pending, opened: false, port: undefined, closed: ['browser', 'device'] })
  expect(data.message).toMatch(/Its last page will not be ours: copy that page's address\./)
  expect(data.other_ways[0]).toContain('callback_url')
})

test("another window's sign-in is left there", async () => {
  const reason = 'A sign-in is open in another window.'
  const { data } = await run({ ...pending, method: 'other-window', reason, url: undefined, port: undefined })
  expect(data.message).toMatch(
    /^A sign-in is open in another window\. Finish it there; this window notices by itself\./,
  )
  expect(data.other_ways).toEqual(['To sign in here all the same: codex_login with force: true.'])
})

test('no time is left rather than less than none', async () => {
  expect((await run({ ...pending, expiresAt: NOW - 1 })).data.expires_in_seconds).toBe(0)
})

test('who signed in is told, the address masked', async () => {
  const { data } = await run(signedInAs({ accountId: 'acct-1', email: 'person@example.com', plan: 'plus' }))
  expect(data).toEqual({
    status: 'authenticated',
    account_id: 'acct-1',
    email: 'p…n@example.com',
    plan: 'plus',
    message: 'Signed in as p…n@example.com.',
  })
})

test('an account without an address is told by its id, or as one without a name', async () => {
  expect((await run(signedInAs({ accountId: 'acct-1' }))).data.message).toBe('Signed in as acct-1.')
  expect((await run(signedInAs({}))).data.message).toBe('Signed in as an account without a name.')
})

test('somebody who was signed in already is told how to change that', async () => {
  expect((await run(signedInAs({ accountId: 'acct-1' }, false))).data.message).toBe(
    'Already signed in as acct-1; nothing was opened. To sign in anew: codex_login with force: true.',
  )
})

test('or what there is to say of that login, in place of it', async () => {
  expect((await run({ ...signedInAs({ accountId: 'acct-1' }, false), notes: ['Plan usage off.'] })).data.message).toBe(
    'Already signed in as acct-1; nothing was opened. Plan usage off.',
  )
})

test('who asked for one login by name is told how to change that one', async () => {
  for (const route of ['codex', 'plan'] as const) {
    const { data } = await run({ ...signedInAs({ accountId: 'acct-1' }, false), route }, { route })
    expect(data.message).toContain(`To sign in anew: codex_login with route "${route}" and force: true.`)
  }
})
