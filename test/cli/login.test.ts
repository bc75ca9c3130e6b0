import { EventEmitter, once } from 'node:events'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { SignIn } from '../../src/services/sign-in/sign-in.ts'
import { type FakeOpenAI, startFakeOpenAI } from '../support/fake-openai.ts'
import { recordOf } from '../support/start-app.ts'
import { startCli } from '../support/start-cli.ts'

async function startFake(): Promise<FakeOpenAI> {
  const fake = await startFakeOpenAI({ deviceInterval: 1 })
  onTestFinished(() => fake.close())
  return fake
}

const here = async (env: Record<string, string> = {}) => {
  const fake = await startFake()
  return { fake, cli: await startCli(fake, { env }) }
}

const urlIn = (text: string) => /^https?:\S+\/oauth\/authorize\?\S+$/m.exec(text)?.[0] ?? ''

/** The address of the browser's last page, as it stands there when the page could not be loaded. */
async function redirectOf(url: string): Promise<string> {
  const answer = await fetch(url, { redirect: 'manual' })
  return answer.headers.get('location') ?? ''
}

/** A sign-in whose calls are counted; `afterPending` happens when the first one has to wait for the user. */
function watched(signIn: SignIn, afterPending: (url: string) => Promise<unknown> = async () => {}) {
  const calls: object[] = []
  const login: SignIn['login'] = async (request) => {
    const { signal: _, onProgress: __, ...asked } = request
    calls.push(asked)
    const isFirst = calls.length === 1
    const outcome = await signIn.login(request)
    if (isFirst && outcome.status === 'pending') await afterPending(outcome.url ?? '')
    return outcome
  }
  return { calls, signIn: { ...signIn, login } }
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
    const { fake, cli } = await here({ CODEX_OAUTH_NO_BROWSER: '1' })
    const { calls, signIn } = watched(cli.app.services.signIn, (url) => fake.browser(url, { deny: true }))
    const { code, stderr } = await cli.begin(['login'], { services: { signIn } }).ended
    expect({ code, calls }).toEqual({ code: 1, calls: [{ force: false }] })
    expect(stderr).toContain('[LOGIN_DENIED]')
  })

  test('that another call has finished is news all the same', async () => {
    const { cli } = await here({ CODEX_OAUTH_NO_BROWSER: '1' })
    const { signIn: real } = cli.app.services
    const finish = async (url: string) => real.login({ force: false, callbackUrl: await redirectOf(url) })
    const { signIn } = watched(real, finish)
    const { stdout } = await cli.begin(['login'], { services: { signIn } }).ended
    expect(stdout).toBe('Signed in as p…n@example.com (pro).\n')
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
  ])('of login %j is asked for once; then it is only waited for', async (args, asked) => {
    const { fake, cli } = await here({ CODEX_OAUTH_NO_BROWSER: args.length === 0 ? '1' : '' })
    const { calls, signIn } = watched(cli.app.services.signIn)
    const run = cli.begin(['login', ...args], { services: { signIn } })
    const said = await run.said('Waiting up to')
    if (args.includes('--device')) fake.approveDevice()
    else await fake.browser(urlIn(said))
    expect((await run.ended).code).toBe(0)
    expect({ calls, opened: cli.opened }).toEqual({ calls: [asked, { force: false }], opened: [] })
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
    const { fake, cli } = await here()
    const run = cli.begin(['login', '--device'], { terminal: ['stdin'] })
    await run.said('Waiting up to')
    fake.approveDevice()
    expect((await run.ended).stderr).toBe(
      `Device sign-in, as asked for.\nOpen this address on any device:\n${fake.issuer}/codex/device\nand enter the code FAKE-00001\nWaiting up to 15 min; Ctrl-C cancels.\n`,
    )
  })

  test('with a code that is refused fails', async () => {
    const { fake, cli } = await here()
    const run = cli.begin(['login', '--device'])
    await run.said('Waiting up to')
    fake.denyDevice()
    const { code, stderr } = await run.ended
    expect(code).toBe(1)
    expect(stderr).toMatch(
      /Ask for a new code \(`codex-oauth-mcp login --device`\) and accept it\. \[LOGIN_DENIED\]\n$/,
    )
  })

  test('through another window only waits', async () => {
    const { fake, cli } = await here({ CODEX_OAUTH_NO_BROWSER: '1' })
    const other = cli.begin(['login'])
    const url = urlIn(await other.said('Waiting up to'))
    const env = { CODEX_OAUTH_LOGIN_WAIT_MS: '1' }
    const run = (await startCli(fake, { env, home: cli.home })).begin(['login'])
    await run.said('Waiting up to')
    await fake.browser(url)
    const { code, stderr } = await run.ended
    expect({ code, other: (await other.ended).code }).toEqual({ code: 0, other: 0 })
    expect(stderr).toBe(
      `Waiting for the sign-in that is open in another window\nA sign-in is open in another window.\nWaiting up to 5 min; Ctrl-C cancels.\n`,
    )
  })
})

describe('an address on standard input', () => {
  async function begun(terminal: ('stdin' | 'stderr')[] = []) {
    const { fake, cli } = await here({ CODEX_OAUTH_NO_BROWSER: '1' })
    const run = cli.begin(['login'], { terminal })
    const url = urlIn(await run.said('Waiting up to'))
    return { fake, run, url, address: await redirectOf(url) }
  }

  test('signs in', async () => {
    const { run, address } = await begun()
    run.type(`\n  ${address} \r\n`)
    expect(await run.ended).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Signed in/) })
  })

  test('is taken without an end of line, when the input ends there', async () => {
    const { run, address } = await begun()
    run.type(address)
    run.endInput()
    expect((await run.ended).code).toBe(0)
  })

  test('after a flood of other lines still signs in, and the flood is not repeated line by line', async () => {
    const { run, address } = await begun()
    run.type('y\n'.repeat(50_000))
    run.type(`${address}\n`)
    const { code, stderr } = await run.ended
    expect(code).toBe(0)
    expect(stderr.split('\n').length).toBeLessThan(100)
  })

  test('that is refused is told, and the next one may do', async () => {
    const { run, address } = await begun()
    run.type('nonsense\n')
    expect(await run.said('[INPUT_INVALID]')).toMatch(
      /error: This is not the address at which .*\nIt begins with .* \[/,
    )
    run.type(`${address}\n`)
    expect((await run.ended).code).toBe(0)
  })

  test('that ends the sign-in ends the command with one error', async () => {
    const { run, address } = await begun()
    const refused = new URL(address)
    refused.searchParams.delete('code')
    refused.searchParams.set('error', 'access_denied')
    run.type(`${refused}\n`)
    const { code, stderr } = await run.ended
    expect(code).toBe(1)
    expect(stderr).toContain('[LOGIN_DENIED]')
    expect(stderr.match(/error:/g)).toHaveLength(1)
  })

  test('is asked for where somebody can type it', async () => {
    const { fake, run, url } = await begun(['stdin'])
    expect(await run.said('paste the address of that page here')).toContain(`\n${url}\n`)
    await fake.browser(url)
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

  async function store(typed: string) {
    const { fake, cli } = await here()
    return { fake, cli, outcome: await cli.run(['login', '--with-api-key'], { stdin: typed }) }
  }

  test('comes from standard input, all of it, and is never shown', async () => {
    const { cli, outcome } = await store('sk-FAKE-0001\n')
    expect(cli.stored()?.codex).toMatchObject({ access_token: 'sk-FAKE-0001', method: 'api_key' })
    expect(outcome).toEqual({ code: 0, stdout: 'The API key works and is stored. It can ask 14 models.\n', stderr: '' })
  })

  test('may be able to ask one model only', async () => {
    const { fake, cli } = await here()
    fake.script.models.push({ json: { models: [{ slug: 'gpt-x', visibility: 'list' }] } })
    const { stdout } = await cli.run(['login', '--with-api-key'], { stdin: 'sk-FAKE-0001' })
    expect(stdout).toContain('It can ask one model.')
  })

  test('is not larger than 64 kB', async () => {
    const { fake, outcome } = await store('sk-FAKE'.repeat(10_000))
    expect(fake.seen.requests).toEqual([])
    expect(outcome).toMatchObject({ code: 2, stdout: '' })
    expect(outcome.stderr).toMatch(/^error: Standard input holds more than 65,536 bytes\. \[INPUT_INVALID\]\n$/)
  })

  test('is typed on a terminal without being seen', async () => {
    const { cli } = await here()
    const run = cli.begin(['login', '--with-api-key'], { terminal: ['stdin', 'stderr'] })
    await run.said('it is not shown')
    expect(run.isHidden()).toBe(true)
    run.type('wrong\u0015sk-FAKX')
    run.type('\u007fE-0001\r')
    const { code, stdout, stderr } = await run.ended
    expect({ code, key: cli.stored()?.codex?.access_token }).toEqual({ code: 0, key: 'sk-FAKE-0001' })
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
    ['two words', 'INPUT_INVALID', 2],
    ['sk-FAKE-wrong', 'LOGIN_DENIED', 1],
  ])('%j is refused with %s and ends with %i', async (typed, code, exit) => {
    const { cli, outcome } = await store(typed)
    expect(outcome).toMatchObject({ code: exit, stdout: '' })
    expect(outcome.stderr).toMatch(new RegExp(`^error: .*\\nNothing was saved\\. .* \\[${code}\\]\\n$`))
    expect(outcome.stderr).not.toContain(typed)
    expect(cli.stored()).toBeUndefined()
  })
})
