import { setImmediate } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { SignIns } from '../../src/services/sign-in/sign-ins.ts'
import { startFakeOpenAI } from '../support/fake-openai.ts'
import { planFailure } from '../support/fake-plan-stream.ts'
import { gate } from '../support/fake-script.ts'
import { recordOf } from '../support/start-app.ts'
import { type StartedCli, startCli } from '../support/start-cli.ts'

const USING_PLAN = 'Using ChatGPT plan. Manage usage: https://chatgpt.com/settings/usage'
const PLAN_ADDRESS = /^https?:\S+\/api\/accounts\/authorize\?\S+$/m

/** The address of the browser's last page, as it stands there when the page could not be loaded. */
async function redirectOf(url: string): Promise<string> {
  return (await fetch(url, { redirect: 'manual' })).headers.get('location') ?? ''
}

async function start(env: Record<string, string> = {}) {
  const fake = await startFakeOpenAI()
  onTestFinished(() => fake.close())
  const cli = await startCli(fake, { env: { CODEX_OAUTH_NO_BROWSER: '1', ...env } })

  /** Signs in with these arguments, whoever is at the browser. */
  async function signIn(...args: string[]) {
    const run = cli.begin(['login', ...args])
    const said = await run.said('Waiting up to')
    await fake.browser(/^https?:\S+authorize\?\S+$/m.exec(said)?.[0] ?? '')
    return run.ended
  }
  return { fake, cli, signIn }
}

/** The same with both logins stored; that of the plan came last. */
async function startWithBoth() {
  const { fake, cli, signIn } = await start()
  cli.seed({ ...recordOf(fake.issueTokens()), saved_at: 1, refreshed_at: 1 })
  await signIn('--plan')
  return { fake, cli }
}

/** A sign-in whose calls are counted; `afterPending` happens when the first one has to wait for the user. */
function watched({ app }: StartedCli, afterPending: (url: string) => Promise<unknown>) {
  const calls: object[] = []
  const login: SignIns['login'] = async (request) => {
    const { signal: _, onProgress: __, ...asked } = request
    const isFirst = calls.push(asked) === 1
    const outcome = await app.services.signIn.login(request)
    if (isFirst && outcome.status === 'pending') await afterPending(outcome.url ?? '')
    return outcome
  }
  return { calls, signIn: { ...app.services.signIn, login } }
}

describe('login --plan', () => {
  test('shows the address, waits, and tells once that the plan is in use', async () => {
    const { fake, cli, signIn } = await start()
    const { code, stdout, stderr } = await signIn('--plan')
    expect(code).toBe(0)
    expect(stderr).toMatch(PLAN_ADDRESS)
    expect(stdout).toMatch(/^Signed in as p…n@example\.com\.\nYour ChatGPT plan is in use: .*Disconnect\.\n$/)
    expect(cli.stored()).toMatchObject({ codex_plan: { issued_client_id: fake.plan.registrations[0]?.clientId } })
    expect((await signIn('--plan', '--force')).stdout).toBe('Signed in as p…n@example.com.\n')
  })

  test('of somebody who is signed in that way does nothing, and --codex opens the other one', async () => {
    const { cli, signIn } = await start()
    await signIn('--plan')
    expect(await cli.run(['login', '--plan'])).toEqual({
      code: 0,
      stdout: 'Already signed in as p…n@example.com. To sign in anew: --force\n',
      stderr: '',
    })
    expect((await signIn('--codex')).stderr).toMatch(/\/oauth\/authorize\?/)
    expect(Object.keys(cli.stored() ?? {}).sort()).toEqual(['codex', 'codex_plan'])
  })

  test('of somebody who has not allowed plan usage says how to turn it on, and nothing else', async () => {
    const { fake, cli, signIn } = await start({ CODEX_OAUTH_ROUTE: 'plan' })
    fake.plan.declinePlanScope()
    await signIn()
    expect((await cli.run(['login'])).stdout).toBe(
      'Already signed in as p…n@example.com.\nSigned in, plan usage off.\n' +
        'To turn it on: `codex-oauth-mcp login --plan`, and allow it there.\n',
    )
  })

  test('of the other of two logins switches to it and says so', async () => {
    const { cli } = await startWithBoth()
    const switched = await cli.run(['login', '--codex'])
    expect(switched.stdout).toMatch(
      /^Already signed in as p…n@example\.com \(pro\)\.\nQuestions go by the Codex route from now on\.\n$/,
    )
    expect((await cli.run(['ask', 'Hello?'])).stdout).toBe('Hello from the fake Codex.\n')
    expect((await cli.run(['login', '--plan'])).stdout).toMatch(
      /\nQuestions go by the plan route from now on, and count toward the usage of the ChatGPT plan\.\n$/,
    )
    expect((await cli.run(['ask', 'Hello?'])).stdout).toBe('Hello from the fake plan.\n')
  })

  test.each(['codex', 'plan'])(
    'that ends between two calls stays on its route, with CODEX_OAUTH_ROUTE=%s',
    async (route) => {
      const { fake, cli } = await start({ CODEX_OAUTH_ROUTE: route })
      const { calls, signIn } = watched(cli, (url) => fake.browser(url))
      const { code, stdout } = await cli.begin(['login', '--plan'], { services: { signIn } }).ended
      expect({ code, calls }).toEqual({ code: 0, calls: Array(2).fill({ route: 'plan', force: false }) })
      expect(stdout).toMatch(/^Signed in as .*\nYour ChatGPT plan is in use/)
      expect(fake.seen.counts['/oauth/authorize']).toBeUndefined()
    },
  )

  test('that is refused between two calls is not begun again', async () => {
    const { fake, cli } = await start()
    const { calls, signIn } = watched(cli, (url) => fake.browser(url, { deny: true }))
    const { code, stderr } = await cli.begin(['login', '--plan'], { services: { signIn } }).ended
    expect({ code, calls }).toEqual({ code: 1, calls: [{ route: 'plan', force: false }] })
    expect(stderr).toContain('[LOGIN_DENIED]')
  })

  test('that is refused, or that nobody comes to, says how to begin that one again', async () => {
    const { fake, cli } = await start({ CODEX_OAUTH_LOGIN_TIMEOUT_MS: '1000' })
    const refused = cli.begin(['login', '--plan'])
    const [url = ''] = PLAN_ADDRESS.exec(await refused.said('Waiting up to')) ?? []
    await fake.browser(url, { deny: true })
    expect((await refused.ended).stderr).toMatch(/`codex-oauth-mcp login --plan`.* \[LOGIN_DENIED\]\n$/)
    const { stderr } = await cli.run(['login', '--plan'])
    expect(stderr).toMatch(/\[LOGIN_TIMEOUT\]\n$/)
    expect(stderr).toContain('Start again with `codex-oauth-mcp login --plan`')
  })

  test('is completed by an address on standard input, and nothing it had to tell is lost', async () => {
    const { cli } = await start({ CODEX_OAUTH_ROUTE: 'codex' })
    const run = cli.begin(['login', '--plan'])
    const [url = ''] = PLAN_ADDRESS.exec(await run.said('Waiting up to')) ?? []
    const address = await redirectOf(url)
    run.type('nonsense\n')
    await run.said('[INPUT_INVALID]')
    run.type(`${address}\n`)
    const { code, stdout } = await run.ended
    expect(code).toBe(0)
    expect(stdout.match(/Your ChatGPT plan is in use/g)).toHaveLength(1)
  })

  test('tells what a pasted address has brought to light, though the waiting call ends first', async () => {
    const { cli } = await start()
    const { signIn: real } = cli.app.services
    const [pasted, waited] = [gate(), gate()]
    let waits = 0
    const login: SignIns['login'] = async (request) => {
      if (request.callbackUrl !== undefined) {
        const outcome = await real.login(request)
        pasted.open()
        await waited.promise
        await setImmediate()
        return outcome
      }
      waits += 1
      if (waits === 1) return real.login(request)
      await pasted.promise
      return real.login(request).finally(waited.open)
    }
    const run = cli.begin(['login', '--plan'], { services: { signIn: { ...real, login } } })
    const [url = ''] = PLAN_ADDRESS.exec(await run.said('Waiting up to')) ?? []
    run.type(`${await redirectOf(url)}\n`)
    expect((await run.ended).stdout).toMatch(/^Signed in as .*\nYour ChatGPT plan is in use: .*\n$/)
  })

  test('without the plan allowed says that it is off, and how to turn it on', async () => {
    const { fake, cli, signIn } = await start()
    fake.plan.declinePlanScope()
    const { stdout } = await signIn('--plan')
    expect(stdout).toContain('\nSigned in, plan usage off.\nTo turn it on: `codex-oauth-mcp login --plan`')
    expect(await cli.run(['ask', 'Hello?'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('[PLAN_REQUIRED]'),
    })
    expect((await signIn('--plan')).stdout).toContain('Your ChatGPT plan is in use')
    expect((await cli.run(['ask', 'Hello?'])).code).toBe(0)
  })

  test.each([
    ['--codex', 'exclude each other'],
    ['--with-api-key', 'are for signing in'],
    ['--device', 'has no code to enter on another device'],
  ])('with %s is wrong usage', async (other, words) => {
    const { cli } = await start()
    const { code, stdout, stderr } = await cli.run(['login', '--plan', other])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(words)
  })

  test('stands in the help, with the label of the sign-in', async () => {
    const { cli } = await start()
    expect((await cli.run(['login', '--help'])).stdout).toMatch(/--plan +Continue with ChatGPT.*\n +--codex /)
    expect((await cli.run(['logout', '--help'])).stdout).toMatch(/--plan +only .*\n +--codex +only /)
  })
})

describe('status', () => {
  test('of the plan alone says what pays and where that is managed', async () => {
    const { cli, signIn } = await start()
    await signIn('--plan')
    const { code, stdout } = await cli.run(['status'])
    expect(code).toBe(0)
    expect(stdout).toContain(USING_PLAN)
    expect(stdout).toMatch(/^account {3}p…n@example\.com\nmethod {4}chatgpt_plan\n/m)
    expect(stdout).not.toMatch(/^route/m)
  })

  test('of two logins shows both, the one that answers first', async () => {
    const { cli } = await startWithBoth()
    const { code, stdout } = await cli.run(['status'])
    const [first = '', second = ''] = stdout.split('\n\n')
    expect(code).toBe(0)
    expect(first).toContain('to be asked with it: `codex-oauth-mcp login --codex`.')
    expect(first).toMatch(/^route {5}plan \(answers\)\naccount .*\n(?:.*\n)*cost {6}ChatGPT plan usage$/m)
    expect(second).toMatch(/^Signed in as p…n@example\.com \(pro\); .*\nroute {5}codex \(does not answer\)\n/)
    expect(second).toMatch(/^cost {6}ChatGPT pro plan$/m)
    expect(stdout.match(/^stored in/gm)).toHaveLength(1)
  })

  test('of two logins, the other one is of the plan: its line about usage is there', async () => {
    const { cli } = await startWithBoth()
    await cli.run(['login', '--codex'])
    const [first = '', second = ''] = (await cli.run(['status'])).stdout.split('\n\n')
    expect(first).toMatch(/^route {5}codex \(answers\)$/m)
    expect(second).toContain(USING_PLAN)
  })

  test('--json is what the tool gives, both logins with it', async () => {
    const { cli } = await startWithBoth()
    const {
      expires_in_seconds: _,
      logins,
      message: __,
      ...rest
    } = JSON.parse((await cli.run(['status', '--json'])).stdout)
    const tool = (await cli.call('codex_status')).data
    expect(tool).toMatchObject(rest)
    expect(logins.map(({ route, answers }: Record<string, unknown>) => [route, answers])).toEqual(
      tool.logins.map(({ route, answers }: Record<string, unknown>) => [route, answers]),
    )
    expect(rest).toMatchObject({ route: 'plan', method: 'chatgpt_plan' })
  })
})

describe('logout', () => {
  test('ends both logins', async () => {
    const { fake, cli } = await startWithBoth()
    const { code, stdout } = await cli.run(['logout'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^Signed out of the Codex route; .* revoked\. Signed out of the plan route; .* revoked\.\n$/)
    expect(cli.stored()).toEqual({})
    expect([fake.seen.revocations.length, fake.plan.seen.revocations.length]).toEqual([1, 1])
  })

  test.each([
    ['--plan', 'codex', 'ChatGPT pro plan', [0, 1]],
    ['--codex', 'codex_plan', 'ChatGPT plan usage', [1, 0]],
  ])('%s ends that one and says what answers from now on', async (option, left, label, revocations) => {
    const { fake, cli } = await startWithBoth()
    const { stdout } = await cli.run(['logout', option])
    expect(stdout).toMatch(/^Signed out; .* revoked\. Questions are still answered with the [\w ]+\.\n$/)
    expect(stdout).toContain(label)
    expect(Object.keys(cli.stored() ?? {})).toEqual([left])
    expect([fake.seen.revocations.length, fake.plan.seen.revocations.length]).toEqual(revocations)
  })

  test('of a login that is not there says so, and leaves the other one', async () => {
    const { cli, signIn } = await start()
    await signIn('--plan')
    expect(await cli.run(['logout', '--codex'])).toEqual({
      code: 0,
      stdout: 'Nobody was signed in that way. Questions are still answered with the ChatGPT plan usage.\n',
      stderr: '',
    })
    expect(Object.keys(cli.stored() ?? {})).toEqual(['codex_plan'])
  })

  test('--plan and --codex exclude each other', async () => {
    const { cli } = await startWithBoth()
    expect(await cli.run(['logout', '--plan', '--codex'])).toMatchObject({ code: 2, stdout: '' })
    expect(Object.keys(cli.stored() ?? {})).toHaveLength(2)
  })
})

test('models says what pays, beside the list', async () => {
  const { cli, signIn } = await start()
  await signIn('--plan')
  const { stdout, stderr } = await cli.run(['models'])
  expect(stdout).toMatch(/^\* gpt-6-astra /)
  expect(stderr).toMatch(new RegExp(`\\n${USING_PLAN}\\n$`))
  const { models, usage } = JSON.parse((await cli.run(['models', '--json'])).stdout)
  expect({ models, usage }).toMatchObject({ models: expect.arrayContaining(['gpt-6-astra']), usage: USING_PLAN })
})

test('ask says when the limit is reached, and nothing else answers', async () => {
  const { fake, cli } = await startWithBoth()
  fake.plan.script.responses.push(planFailure())
  const { code, stdout, stderr } = await cli.run(['ask', 'Hello?'])
  expect({ code, stdout }).toEqual({ code: 1, stdout: 'Half a\n' })
  expect(stderr).toMatch(/^INCOMPLETE ANSWER: .* Usage limit reached: .* Manage usage: https:\S+ .*\[USAGE_LIMIT\]\n/)
  expect(fake.seen.counts['/backend-api/codex/responses']).toBeUndefined()
})
