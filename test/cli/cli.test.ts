import { describe, expect, onTestFinished, test } from 'vitest'
import { CodexError } from '../../src/errors.ts'
import { startFakeOpenAI } from '../support/fake-openai.ts'
import { recordOf } from '../support/start-app.ts'
import { FACTS, startCli } from '../support/start-cli.ts'

const COMMANDS = ['login', 'status', 'logout', 'models', 'ask', 'forget', 'doctor']

async function start(env: Record<string, string> = {}) {
  const fake = await startFakeOpenAI()
  onTestFinished(() => fake.close())
  return { fake, cli: await startCli(fake, { env }) }
}

async function signedIn(expiresInSeconds = 3600) {
  const started = await start()
  started.cli.seed(recordOf(started.fake.issueTokens({ expiresInSeconds }), expiresInSeconds))
  return started
}

describe('help', () => {
  test('names every command and every exit code', async () => {
    const { cli } = await start()
    const { code, stdout, stderr } = await cli.run(['--help'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    for (const name of COMMANDS) expect(stdout).toMatch(new RegExp(`^  ${name} +\\w`, 'm'))
    for (const exit of [0, 1, 2, 3, 130]) expect(stdout).toMatch(new RegExp(`^  ${exit} +\\w`, 'm'))
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(110)
  })

  test.each(COMMANDS)('of %s shows how it is used', async (name) => {
    const { cli } = await start()
    const { code, stdout } = await cli.run([name, '--help'])
    expect(code).toBe(0)
    expect(stdout).toContain(`Usage: codex-oauth-mcp ${name}`)
  })
})

test('the version', async () => {
  const { cli } = await start()
  expect(await cli.run(['--version'])).toEqual({ code: 0, stdout: 'codex-oauth-mcp 0.0.0-test\n', stderr: '' })
})

test('wrong usage is exit code 2, with nothing on standard output', async () => {
  const { cli } = await start()
  for (const args of [['stauts'], ['--jsno'], ['status', '--jsno'], ['ask', 'sk-FAKE-0001'], ['']]) {
    const { code, stdout, stderr } = await cli.run(args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/^error: .*\n.*\[INPUT_INVALID\]\n$/)
  }
})

test('a fault of ours is an error like any other, and says nothing of its own words', async () => {
  const { cli } = await start()
  const readStatus = () => {
    throw new TypeError('rt_FAKE_1')
  }
  const { code, stderr } = await cli.run(['status'], { services: { readStatus } })
  expect(code).toBe(1)
  expect(stderr).toMatch(/^error: Something went wrong inside codex-oauth\.\n.*\[CODEX_FAILED\]\n$/)
})

test('what takes no signal is left all the same when the command has to end', async () => {
  const { cli } = await start()
  const doctor = () => new Promise<never>(() => {})
  const run = cli.begin(['doctor'], { services: { doctor } })
  run.cancel()
  expect(await run.ended).toEqual({ code: 1, stdout: '', stderr: 'error: The command was cancelled. [CANCELLED]\n' })
})

describe('a configuration that is not usable', () => {
  const hint = 'Correct it.'
  const configProblem = new CodexError('CONFIG_INVALID', 'CODEX_OAUTH_PORTS is bad.', { hint })
  const run = async (...args: string[]) => (await start()).cli.run(args, { configProblem })

  test.each([['login'], ['logout'], ['models'], ['ask', 'x'], ['forget', 'x']])(
    'ends %s with exit code 1',
    async (...args) => {
      expect(await run(...args)).toEqual({
        code: 1,
        stdout: '',
        stderr: 'error: CODEX_OAUTH_PORTS is bad.\nCorrect it. [CONFIG_INVALID]\n',
      })
    },
  )

  test.each([['--help'], ['--version'], ['ask', '--help']])('does not keep %s from working', async (...args) => {
    expect(await run(...args)).toMatchObject({ code: 0, stderr: '' })
  })

  test('does not keep doctor from working, which names it as a problem', async () => {
    const { cli } = await start({ CODEX_OAUTH_PORTS: 'many' })
    expect(await cli.run(['doctor'], { configProblem })).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('CODEX_OAUTH_PORTS'),
      stderr: '',
    })
  })

  test('does not keep status from working, which says so', async () => {
    const { cli } = await start({ CODEX_OAUTH_PORTS: 'many' })
    expect(await cli.run(['status'], { configProblem })).toMatchObject({
      code: 3,
      stdout: expect.stringContaining('CODEX_OAUTH_PORTS'),
      stderr: '',
    })
  })
})

describe('status', () => {
  test('of nobody is exit code 3', async () => {
    const { cli } = await start()
    const { code, stdout } = await cli.run(['status'])
    expect(code).toBe(3)
    expect(stdout).toBe(
      `Nobody is signed in. Sign in with \`codex-oauth-mcp login\`.\nmethod    none\nstored in ${cli.credentialsFile}\n`,
    )
  })

  test('says who, which plan, how, until when and where', async () => {
    const { cli } = await signedIn()
    const { code, stdout, stderr } = await cli.run(['status'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^Signed in as p…n@example\.com \(pro\); the access token is good for 59 minutes/)
    expect(stdout).toMatch(/^account {3}p…n@example\.com\nplan {6}pro\nmethod {4}chatgpt\n/m)
    expect(stdout).toMatch(/^expires {3}\d{4}-\d\d-\d\d \d\d:\d\d UTC\nrenewed {3}\d{4}-\d\d-\d\d \d\d:\d\d UTC\n/m)
    expect(stdout).toContain(`stored in ${cli.credentialsFile}\n`)
  })

  test('of a login that has expired and can be renewed is 0, of one that cannot 3', async () => {
    const { fake, cli } = await signedIn(-1)
    const expired = await cli.run(['status'])
    expect(expired.code).toBe(0)
    expect(expired.stdout).not.toMatch(/^expires/m)
    cli.seed({ ...recordOf(fake.issueTokens({ expiresInSeconds: -1 }), -1), refresh_failed: 'ab12' })
    expect(await cli.run(['status'])).toMatchObject({
      code: 3,
      stdout: expect.stringContaining('codex-oauth-mcp login'),
    })
  })

  test('of a key says where it comes from and what it costs, and nothing of an expiry it does not have', async () => {
    const { cli } = await start({ OPENAI_API_KEY: 'sk-FAKE-0001' })
    expect(await cli.run(['status'])).toEqual({
      code: 0,
      stdout: `Nobody is signed in; questions are asked with the API key from OPENAI_API_KEY, billed per token.
method    api_key
from      OPENAI_API_KEY
cost      billed per token
stored in ${cli.credentialsFile}
`,
      stderr: '',
    })
  })

  test('of a login that lasts for ever is told, too', async () => {
    const { cli } = await signedIn()
    const readStatus = async () => ({ ...(await cli.app.services.readStatus()), expiresInMs: 1e18 })
    expect(await cli.run(['status'], { services: { readStatus } })).toMatchObject({ code: 0, stderr: '' })
  })

  test('names what is wrong with the file, once', async () => {
    const { cli } = await start()
    cli.seed({ access_token: 7 })
    const { code, stdout } = await cli.run(['status'])
    expect(code).toBe(3)
    expect(stdout.match(/is damaged: .* Repair it/g)).toHaveLength(1)
  })

  test('--json is what the tool gives', async () => {
    const { cli } = await signedIn()
    const { code, stdout, stderr } = await cli.run(['status', '--json'], { terminal: ['stdout'] })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const { expires_in_seconds: _, message: __, ...rest } = JSON.parse(stdout)
    expect((await cli.call('codex_status')).data).toMatchObject(rest)
  })
})

describe('models', () => {
  test('come best first, the default marked, their efforts beside them', async () => {
    const { cli } = await signedIn()
    const { code, stdout, stderr } = await cli.run(['models'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^\* gpt-6\.1-sol +low \(default\), medium, high/)
    const ids = stdout.split('\n').map((line) => line.slice(2).split(' ')[0])
    expect(ids.filter((id) => id !== '')).toEqual((await cli.call('codex_models')).data.models)
    expect(stderr).toMatch(/^\* is asked when no model is named\. As the service lists them now\.\n$/)
  })

  test('that have no efforts stand alone on their line', async () => {
    const { cli } = await start()
    const none = {
      priority: 1,
      hidden: false,
      defaultEffort: undefined,
      efforts: [],
      lite: false,
      verbosity: undefined,
      contextWindow: undefined,
      inputs: undefined,
      minVersion: undefined,
    }
    const models = ['gpt-x', 'gpt-longer'].map((id) => ({ ...none, id, name: id }))
    const listModels = async () => ({ models, defaultId: 'gpt-x', source: 'live' as const, credential: undefined })
    expect((await cli.run(['models'], { services: { listModels } })).stdout).toBe('* gpt-x\n  gpt-longer\n')
  })

  test('are listed for nobody, too', async () => {
    const { cli } = await start()
    expect(await cli.run(['models'])).toMatchObject({ code: 0, stderr: expect.stringContaining('this program') })
  })

  test('--json is what the tool gives', async () => {
    const { cli } = await signedIn()
    expect(JSON.parse((await cli.run(['models', '--json'])).stdout)).toMatchObject({ source: 'live' })
    expect(JSON.parse((await cli.run(['models', '--json'])).stdout)).toEqual((await cli.call('codex_models')).data)
  })
})

describe('logout', () => {
  test('says what was removed and whether it is revoked', async () => {
    const { fake, cli } = await signedIn()
    expect(await cli.run(['logout'])).toEqual({
      code: 0,
      stdout: 'Signed out; the credentials are removed from this machine. OpenAI confirmed that they are revoked.\n',
      stderr: '',
    })
    expect(cli.stored()).toEqual({})
    expect(fake.seen.counts['/oauth/revoke']).toBe(1)
  })

  test('of nobody is done, too', async () => {
    const { cli } = await start()
    expect(await cli.run(['logout'])).toEqual({ code: 0, stdout: 'Nobody was signed in.\n', stderr: '' })
  })
})

describe('doctor', () => {
  const checks = [
    { name: 'node', state: 'ok', finding: 'v20.0.0', remedy: undefined },
    { name: 'clock', state: 'warning', finding: 'two minutes late', remedy: 'Set it.' },
    { name: 'login', state: 'problem', finding: 'nobody is signed in', remedy: 'Call codex_login.' },
    { name: 'ports', state: 'skipped', finding: 'not looked at', remedy: undefined },
  ] as const
  const doctor = async () => ({ checks })

  test('writes a line for each check, its remedy below it, and ends with 1 when something is wrong', async () => {
    const { cli } = await start()
    expect(await cli.run(['doctor'], { services: { doctor } })).toEqual({
      code: 1,
      stdout: `codex-oauth 0.0.0-test · Node v20.0.0 · linux x64
ok node: v20.0.0
!  clock: two minutes late
     Set it.
x  login: nobody is signed in
     Call \`codex-oauth-mcp login\`.
-  ports: not looked at
`,
      stderr: '',
    })
  })

  test('a warning is not a problem', async () => {
    const { cli } = await start()
    const services = { doctor: async () => ({ checks: checks.slice(0, 2) }) }
    expect((await cli.run(['doctor'], { services })).code).toBe(0)
  })

  test('--json is the whole report', async () => {
    const { cli } = await start()
    const { code, stdout } = await cli.run(['doctor', '--json'], { services: { doctor } })
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toEqual(JSON.parse(JSON.stringify({ ...FACTS, checks })))
  })
})
