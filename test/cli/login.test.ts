import { EventEmitter, once } from 'node:events'
import { describe, expect, onTestFinished, test } from 'vitest'
import { CodexError } from '../../src/errors.ts'
import { type FakeOpenAI, startFakeOpenAI } from '../support/fake-openai.ts'
import { createFakeSignIn, PENDING, SIGNED_IN } from '../support/fake-sign-in.ts'
import { recordOf } from '../support/start-app.ts'
import { startCli } from '../support/start-cli.ts'

async function startFake(): Promise<FakeOpenAI> {
  const fake = await startFakeOpenAI()
  onTestFinished(() => fake.close())
  return fake
}

const here = async (env: Record<string, string> = {}) => {
  const fake = await startFake()
  return { fake, cli: await startCli(fake, { env }) }
}

const urlIn = (text: string) => /^https?:\S+\/oauth\/authorize\?\S+$/m.exec(text)?.[0] ?? ''

/** A command that signs in with the fake of the sign-in. */
async function withFake(args: string[], terminal: ('stdin' | 'stderr')[] = []) {
  const { cli } = await here()
  const signIn = createFakeSignIn()
  return { signIn, run: cli.begin(['login', ...args], { services: { signIn }, terminal }) }
}

describe('signing in', () => {
  test('shows the address alone on a line of standard error, waits, and says who it is', async () => {
    const { fake, cli } = await here({ CODEX_OAUTH_NO_BROWSER: '1' })
    const run = cli.begin(['login'])
    const url = urlIn(await run.said('Waiting up to'))
    await fake.browser(url)
    const { code, stdout, stderr } = await run.ended
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'Signed in as p…n@example.com (pro).\n' })
    expect(stderr).toContain('CODEX_OAUTH_NO_BROWSER')
    expect(cli.stored()?.codex).toMatchObject({ account_id: 'acct-fake-0001' })
  })

  test('opens the browser and shows the address once, however long it takes', async () => {
    const { fake, cli } = await here({ CODEX_OAUTH_LOGIN_WAIT_MS: '20' })
    const { signIn } = cli.app.services
    const calls = new EventEmitter()
    const counted: typeof signIn = {
      ...signIn,
      login(request) {
        calls.emit('call')
        return signIn.login(request)
      },
    }
    const run = cli.begin(['login'], { services: { signIn: counted } })
    const url = urlIn(await run.said('/oauth/authorize'))
    for (let n = 0; n < 3; n += 1) await once(calls, 'call')
    await fake.browser(url)
    const { code, stderr } = await run.ended
    expect(code).toBe(0)
    expect(stderr.split(url)).toHaveLength(2)
    expect(cli.opened).toEqual([url])
  })

  test('of somebody who is signed in does nothing and says so', async () => {
    const { fake, cli } = await here()
    cli.seed(recordOf(fake.issueTokens()))
    expect(await cli.run(['login'])).toEqual({
      code: 0,
      stdout: 'Already signed in as p…n@example.com (pro). To sign in anew: --force\n',
      stderr: '',
    })
    expect(cli.opened).toEqual([])
  })

  test('with --force goes through the browser all the same', async () => {
    const { fake, cli } = await here({ CODEX_OAUTH_NO_BROWSER: '1' })
    cli.seed(recordOf(fake.issueTokens()))
    const run = cli.begin(['login', '--force'])
    await fake.browser(urlIn(await run.said('Waiting up to')))
    expect(await run.ended).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Signed in as/) })
    expect(fake.seen.grants).toEqual(['authorization_code'])
  })

  test('that is refused in the browser fails with its code', async () => {
    const { fake, cli } = await here({ CODEX_OAUTH_NO_BROWSER: '1' })
    const run = cli.begin(['login'])
    await fake.browser(urlIn(await run.said('Waiting up to')), { deny: true })
    const { code, stdout, stderr } = await run.ended
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(
      /\nerror: The sign-in was refused in the browser\.\nStart again with `codex-oauth-mcp login` .*\[LOGIN_DENIED\]\n$/,
    )
  })

  test('that nobody finishes ends with LOGIN_TIMEOUT, and does not begin again', async () => {
    const { cli } = await here({
      CODEX_OAUTH_NO_BROWSER: '1',
      CODEX_OAUTH_LOGIN_TIMEOUT_MS: '150',
      CODEX_OAUTH_LOGIN_WAIT_MS: '20',
    })
    const { code, stderr } = await cli.begin(['login']).ended
    expect(code).toBe(1)
    expect(stderr).toContain('[LOGIN_TIMEOUT]')
    expect(stderr.match(/oauth\/authorize/g)).toHaveLength(1)
  })

  test('that ends between two calls is not begun again', async () => {
    const { signIn, run } = await withFake([])
    signIn.state = { state: 'failed', error: new CodexError('LOGIN_DENIED', 'Refused meanwhile.') }
    signIn.answer(PENDING)
    expect(await run.ended).toMatchObject({ code: 1, stderr: expect.stringContaining('Refused meanwhile.') })
    expect(signIn.calls).toHaveLength(1)
  })

  test('that another call has finished is news all the same', async () => {
    const { signIn, run } = await withFake([])
    signIn.answer(PENDING)
    await signIn.called(2)
    signIn.answer({ ...SIGNED_IN, fresh: false })
    expect((await run.ended).stdout).toBe('Signed in as p…n@example.com (pro).\n')
  })

  test('is cancelled by the signal of the command', async () => {
    const { cli } = await here({ CODEX_OAUTH_NO_BROWSER: '1' })
    const run = cli.begin(['login'])
    await run.said('Waiting up to')
    run.cancel()
    expect(await run.ended).toMatchObject({ code: 1, stderr: expect.stringContaining('[CANCELLED]') })
  })
})

describe('the way', () => {
  test.each<[string[], object]>([
    [[], { force: false }],
    [['--device'], { force: false, method: 'device' }],
    [['--no-browser'], { force: false, method: 'browser', openBrowser: false }],
    [['--device', '--force'], { force: true, method: 'device' }],
  ])('of login %j', async (args, asked) => {
    const { signIn, run } = await withFake(args)
    signIn.answer(PENDING)
    await signIn.called(2)
    signIn.answer(SIGNED_IN)
    expect((await run.ended).code).toBe(0)
    expect(signIn.calls).toEqual([asked, { force: false }])
  })

  test.each([
    ['--device', '--no-browser'],
    ['--device', '--with-api-key'],
    ['--no-browser', '--with-api-key'],
    ['--force', '--with-api-key'],
  ])('%s and %s exclude each other', async (...args) => {
    const { cli } = await here()
    expect(await cli.run(['login', ...args])).toMatchObject({ code: 2, stdout: '' })
  })

  test('with a code says where to enter it', async () => {
    const { signIn, run } = await withFake(['--device'], ['stdin'])
    const reason = 'Asked for.'
    const url = 'https://auth.example.com/codex/device'
    signIn.answer({ ...PENDING, method: 'device', reason, url, userCode: 'ABCD-1234' })
    await signIn.called(2)
    signIn.answer(SIGNED_IN)
    expect((await run.ended).stderr).toBe(
      `Asked for.\nOpen this address on any device:\n${url}\nand enter the code ABCD-1234\nWaiting up to 5 min; Ctrl-C cancels.\n`,
    )
  })

  test('through another window only waits', async () => {
    const { signIn, run } = await withFake([])
    signIn.answer({ ...PENDING, method: 'other-window', reason: 'Another window is signing in.', url: undefined })
    await signIn.called(2)
    signIn.answer(SIGNED_IN)
    expect((await run.ended).stderr).toBe('Another window is signing in.\nWaiting up to 5 min; Ctrl-C cancels.\n')
  })
})

describe('an address on standard input', () => {
  const pasted = 'http://localhost:1455/auth/callback?code=ac_FAKE_9&state=FAKE'

  test('signs in', async () => {
    const { signIn, run } = await withFake([])
    signIn.answer(PENDING)
    await signIn.called(2)
    run.type(`\n  ${pasted} \r\n`)
    await signIn.called(3)
    expect(signIn.calls[2]).toEqual({ force: false, callbackUrl: pasted })
    signIn.answer(SIGNED_IN)
    expect(await run.ended).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Signed in/) })
  })

  test('is taken without an end of line, when the input ends there', async () => {
    const { signIn, run } = await withFake([])
    run.type(pasted)
    run.endInput()
    signIn.answer(PENDING)
    await signIn.called(3)
    expect(signIn.calls[2]).toEqual({ force: false, callbackUrl: pasted })
    signIn.answer(SIGNED_IN)
    expect((await run.ended).code).toBe(0)
  })

  test('that is refused is told, and the next one may do', async () => {
    const { signIn, run } = await withFake([])
    signIn.answer(PENDING)
    await signIn.called(2)
    const [waiting] = signIn.calls.slice(1)
    run.type('nonsense\n')
    await signIn.called(3)
    // The oldest call is the one that waits: it ends last.
    signIn.answer(PENDING)
    await signIn.called(4)
    signIn.answer(new CodexError('INPUT_INVALID', 'That is not the address.', { hint: 'Paste all of it.' }))
    expect(await run.said('[INPUT_INVALID]')).toContain('error: That is not the address.\nPaste all of it. [')
    signIn.answer(SIGNED_IN)
    expect((await run.ended).code).toBe(0)
    expect(waiting).toEqual({ force: false })
  })

  test('that ends the sign-in ends the command with one error', async () => {
    const { signIn, run } = await withFake([])
    run.type(`${pasted}\n`)
    signIn.answer(PENDING)
    await signIn.called(3)
    const denied = new CodexError('LOGIN_DENIED', 'Refused.')
    signIn.answer(denied)
    signIn.answer(denied)
    const { code, stderr } = await run.ended
    expect(code).toBe(1)
    expect(stderr.match(/error:/g)).toHaveLength(1)
    expect(stderr).not.toContain('FAKE')
  })

  test('is asked for where somebody can type it', async () => {
    const { signIn, run } = await withFake([], ['stdin'])
    signIn.answer(PENDING)
    expect(await run.said('paste the address of that page here')).toContain(`\n${PENDING.url}\n`)
    signIn.answer(SIGNED_IN)
    await run.ended
  })

  test('is not read when nobody has to sign in', async () => {
    const { fake, cli } = await here()
    cli.seed(recordOf(fake.issueTokens()))
    const run = cli.begin(['login'])
    run.type('x'.repeat(10))
    expect((await run.ended).stderr).toBe('')
  })
})

describe('an API key', () => {
  test('is stored, and answers the next question', async () => {
    const { fake, cli } = await here()
    const stored = await cli.run(['login', '--with-api-key'], { stdin: `${fake.apiKey}\n` })
    expect(stored).toMatchObject({ code: 0, stdout: expect.stringMatching(/^The API key works and is stored\./) })
    expect(cli.stored()?.codex).toMatchObject({ access_token: fake.apiKey, method: 'api_key' })
    expect((await cli.run(['ask', 'Hello?'])).stderr).toContain('stored API key, billed per token')
  })

  async function store(typed: string, models = 4) {
    const { cli } = await here()
    const keys: string[] = []
    const storeApiKey = async (raw: string) => {
      keys.push(raw)
      return { models }
    }
    return { keys, outcome: await cli.run(['login', '--with-api-key'], { stdin: typed, services: { storeApiKey } }) }
  }

  test('comes from standard input, all of it, and is never shown', async () => {
    const { keys, outcome } = await store('sk-FAKE-0001\n')
    expect(keys).toEqual(['sk-FAKE-0001\n'])
    expect(outcome).toEqual({ code: 0, stdout: 'The API key works and is stored. It can ask 4 models.\n', stderr: '' })
  })

  test('may be able to ask one model only', async () => {
    expect((await store('sk-FAKE-0001', 1)).outcome.stdout).toContain('It can ask one model.')
  })

  test('is not larger than 64 kB', async () => {
    const { keys, outcome } = await store('sk-FAKE'.repeat(10_000))
    expect(keys).toEqual([])
    expect(outcome).toMatchObject({ code: 2, stdout: '' })
    expect(outcome.stderr).toMatch(/^error: Standard input holds more than 65,536 bytes\. \[INPUT_INVALID\]\n$/)
  })

  test('is typed on a terminal without being seen', async () => {
    const { cli } = await here()
    const keys: string[] = []
    const storeApiKey = async (raw: string) => {
      keys.push(raw)
      return { models: 1 }
    }
    const run = cli.begin(['login', '--with-api-key'], { terminal: ['stdin', 'stderr'], services: { storeApiKey } })
    await run.said('it is not shown')
    expect(run.isHidden()).toBe(true)
    run.type('wrong\u0015sk-FAKX')
    run.type('\u007fE-0002\r')
    const { code, stdout, stderr } = await run.ended
    expect({ code, keys }).toEqual({ code: 0, keys: ['sk-FAKE-0002'] })
    expect(run.isHidden()).toBe(false)
    expect(stdout + stderr).not.toContain('FAKE')
  })

  test('Ctrl-C while it is typed ends the command', async () => {
    const { cli } = await here()
    const run = cli.begin(['login', '--with-api-key'], { terminal: ['stdin'] })
    await run.said('it is not shown')
    run.type('sk-FAKE\u0003')
    expect(await run.ended).toMatchObject({ code: 1, stderr: expect.stringContaining('[CANCELLED]') })
    expect(run.isHidden()).toBe(false)
  })

  test.each([
    ['INPUT_INVALID', 2],
    ['LOGIN_DENIED', 1],
    ['NETWORK', 1],
  ] as const)('that is refused with %s ends with %i', async (code, exit) => {
    const { cli } = await here()
    const storeApiKey = () => Promise.reject(new CodexError(code, 'No.'))
    const outcome = await cli.run(['login', '--with-api-key'], { stdin: 'sk-FAKE-0001', services: { storeApiKey } })
    expect(outcome).toEqual({ code: exit, stdout: '', stderr: `error: No. [${code}]\n` })
  })
})
