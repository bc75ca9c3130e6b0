import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type BuiltCommand, type CommandOptions, startCommand } from '../support/built-command.ts'
import { SERVER, startBuiltServer } from '../support/built-server.ts'
import { type FakeOpenAI, type FakeOpenAIOptions, startFakeOpenAI } from '../support/fake-openai.ts'
import { after as delayed, gate, late, parts } from '../support/fake-script.ts'
import { answer, answerEvents, endlessDeltas, sse } from '../support/fake-sse.ts'
import { freePorts } from '../support/free-ports.ts'
import { gitRepo, writeFiles } from '../support/git-repo.ts'
import { isListening } from '../support/is-listening.ts'
import { recordOf } from '../support/start-app.ts'
import { tempFolder } from '../support/temp-folder.ts'

interface Place {
  fake: FakeOpenAI
  ports: number[]
  env: Record<string, string>
  credentialsFile: string
  start(args: readonly string[], options?: CommandOptions): BuiltCommand
  /** Runs a command to its end, with nothing to read unless told. */
  run(args: readonly string[], options?: CommandOptions): BuiltCommand['ended']
}

async function place(extra: Record<string, string> = {}, options?: FakeOpenAIOptions): Promise<Place> {
  const fake = await startFakeOpenAI(options)
  onTestFinished(() => fake.close())
  const home = tempFolder()
  const ports = await freePorts(2)
  const path = process.env.PATH ?? ''
  const env = { ...fake.env({ CODEX_OAUTH_PORTS: ports.join(',') }), HOME: home, PATH: path, ...extra }
  const start = (args: readonly string[], more?: CommandOptions) => startCommand(env, args, more)
  const run = (args: readonly string[], more?: CommandOptions) => start(args, { stdin: '', ...more }).ended
  return { fake, ports, env, credentialsFile: join(home, '.claude', 'auth.json'), start, run }
}

function seed({ fake, credentialsFile }: Place, expiresInSeconds = 3600): void {
  mkdirSync(join(credentialsFile, '..'), { recursive: true })
  const record = recordOf(fake.issueTokens({ expiresInSeconds }), expiresInSeconds)
  writeFileSync(credentialsFile, JSON.stringify({ codex: record }), { mode: 0o600 })
}

const stored = ({ credentialsFile }: Place) => JSON.parse(readFileSync(credentialsFile, 'utf8')).codex
const urlIn = (text: string) => /https?:\S+\/oauth\/authorize\?\S+/.exec(text)?.[0] ?? ''
const planUrlIn = (text: string) => /https?:\S+\/api\/accounts\/authorize\?\S+/.exec(text)?.[0] ?? ''
const redirectOf = async (url: string) => (await fetch(url, { redirect: 'manual' })).headers.get('location') ?? ''
const RESPONSES = '/backend-api/codex/responses'

test('sign in, look, ask, sign out: results on standard output, no colour, no secret anywhere', async () => {
  const here = await place({ CODEX_DEBUG: '1' })
  const seen: string[] = []
  const run = async (args: readonly string[], options?: CommandOptions) => {
    const { code, stdout, stderr } = await here.run(args, options)
    seen.push(stdout, stderr)
    return { code, stdout, stderr }
  }
  expect(await run(['--version'])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^codex-oauth-mcp \d+\.\d+\.\d+\n$/),
  })
  expect((await run(['--help'])).stdout).toContain('Exit codes:')
  expect((await run(['status'])).code).toBe(3)
  expect((await run(['ask', 'CANARY-prompt'])).code).toBe(3)
  const login = here.start(['login'])
  const url = urlIn(await login.said('Waiting up to'))
  expect((await here.fake.browser(url)).status).toBe(200)
  const signedIn = await login.ended
  expect(signedIn).toMatchObject({ code: 0, stdout: 'Signed in as p…n@example.com (pro).\n' })
  seen.push(signedIn.stdout, signedIn.stderr.replaceAll(url, ''))
  // Of a question that nobody was signed in for nothing is kept, and nothing listed.
  const status = await here.run(['status'])
  expect(status.stdout).not.toContain('CANARY-prompt')
  expect((await run(['forget', '--all'])).code).toBe(0)
  expect((await run(['login'])).stdout).toMatch(/^Already signed in as p…n@example\.com/)
  expect(status).toMatchObject({ code: 0, stdout: expect.stringContaining('p…n@example.com') })
  expect(JSON.parse((await here.run(['status', '--json'])).stdout)).toMatchObject({
    status: 'authenticated',
    plan: 'pro',
  })
  expect((await run(['models'])).stdout).toMatch(/^\* gpt-6\.1-sol /)
  expect(JSON.parse((await run(['models', '--json'])).stdout)).toMatchObject({ default: 'gpt-6.1-sol' })
  expect((await run(['ask', 'CANARY-prompt'])).stdout).toBe('Hello from the fake Codex.\n')
  expect((await run(['ask', '-'], { stdin: 'CANARY-prompt' })).stdout).toBe('Hello from the fake Codex.\n')
  expect(JSON.parse((await run(['doctor', '--json'])).stdout)).toMatchObject({ node: process.version })
  expect((await run(['doctor'])).stdout).toMatch(/^codex-oauth \d/)
  expect(await run(['logout'])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Signed out; .*revoked\.\n$/) })
  expect(await run(['logout'])).toMatchObject({ code: 0, stdout: 'Nobody was signed in.\n' })
  const all = seen.join('')
  expect(all).not.toContain('\u001b')
  expect([...here.fake.secrets(), 'CANARY'].filter((secret) => all.includes(secret))).toEqual([])
})

test('both logins: sign in to each, look, end one, then the other', async () => {
  const here = await place({ CODEX_DEBUG: '1' })
  seed(here)
  const seen: string[] = []
  const run = async (args: readonly string[]) => {
    const { code, stdout, stderr } = await here.run(args)
    seen.push(stdout, stderr)
    return { code, stdout }
  }
  const login = here.start(['login', '--plan'])
  const url = planUrlIn(await login.said('Waiting up to'))
  login.child.stdin.end(`${await redirectOf(url)}\n`)
  const { code, stdout, stderr } = await login.ended
  expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringMatching(/\nYour ChatGPT plan is in use: /) })
  seen.push(stdout, stderr.replaceAll(url, ''))
  expect(await run(['ask', 'x'])).toEqual({ code: 0, stdout: 'Hello from the fake plan.\n' })
  expect((await run(['status'])).stdout).toMatch(/^route +plan \(answers\)$[\s\S]*^route +codex \(does not answer\)$/m)
  expect((await run(['doctor'])).code).toBe(0)
  expect((await run(['logout', '--plan'])).stdout).toMatch(
    /revoked\. Questions are still answered with the ChatGPT pro/,
  )
  expect(await run(['ask', 'x'])).toEqual({ code: 0, stdout: 'Hello from the fake Codex.\n' })
  expect((await run(['logout'])).stdout).toMatch(/^Signed out; .*revoked\.\n$/)
  expect((await run(['status'])).code).toBe(3)
  const all = seen.join('')
  expect(here.fake.secrets().filter((secret) => all.includes(secret))).toEqual([])
  expect(here.fake.plan.crossings).toEqual([])
})

describe('signing in', () => {
  test('with a code, to its end', async () => {
    const here = await place({}, { deviceInterval: 1 })
    const login = here.start(['login', '--device'])
    const said = await login.said('Waiting up to')
    expect(said).toContain(`\n${here.fake.issuer}/codex/device\nand enter the code FAKE-00001\n`)
    here.fake.approveDevice('FAKE-00001')
    expect(await login.ended).toMatchObject({ code: 0, stdout: 'Signed in as p…n@example.com (pro).\n' })
    expect(stored(here)).toMatchObject({ method: 'chatgpt', account_id: 'acct-fake-0001' })
  })

  test('with the address of the last page on standard input, after one that is refused', async () => {
    const here = await place()
    const login = here.start(['login', '--no-browser'])
    const address = await redirectOf(urlIn(await login.said('Waiting up to')))
    login.child.stdin.write(`${address}x\n`.replace('state=', 'state=x'))
    await login.said('[INPUT_INVALID]')
    login.child.stdin.end(`${address}\n`)
    const { code, stdout, stderr } = await login.ended
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'Signed in as p…n@example.com (pro).\n' })
    expect(stderr).not.toContain(new URL(address).searchParams.get('code'))
    expect(await isListening(here.ports[0] ?? 0)).toBe(false)
  })

  test('with an API key, which is tried first', async () => {
    const here = await place()
    const wrong = await here.run(['login', '--with-api-key'], { stdin: 'sk-CANARY-0001\n' })
    expect(wrong).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/\[LOGIN_DENIED\]\n$/) })
    expect(wrong.stderr).not.toContain('CANARY')
    expect((await here.run(['status'])).code).toBe(3)
    const right = await here.run(['login', '--with-api-key'], { stdin: `${here.fake.apiKey}\n` })
    expect(right).toMatchObject({ code: 0, stdout: expect.stringMatching(/^The API key works and is stored\./) })
    expect(stored(here)).toMatchObject({ method: 'api_key' })
    expect((await here.run(['ask', 'x'])).stdout).toBe('Hello from the fake Codex.\n')
  })
})

describe('doctor', () => {
  test('of a login that works finds no problem with it', async () => {
    const here = await place()
    seed(here)
    const { stdout } = await here.run(['doctor'])
    expect(stdout).toMatch(/^codex-oauth \d/)
    for (const name of ['sign-in', 'account', 'models']) expect(stdout).toMatch(new RegExp(`^ok ${name}: `, 'm'))
    expect(stdout).not.toContain(here.env.HOME)
    expect(here.fake.secrets().filter((secret) => stdout.includes(secret))).toEqual([])
  })

  test('--json holds the same checks, and its exit code is theirs', async () => {
    const here = await place()
    seed(here)
    const { code, stdout } = await here.run(['doctor', '--json'])
    const { checks, node } = JSON.parse(stdout)
    expect(node).toBe(process.version)
    const states = Object.fromEntries(checks.map(({ name, state }: Record<string, string>) => [name, state]))
    expect(states).toMatchObject({ 'sign-in': 'ok', account: 'ok', models: 'ok' })
    expect(code).toBe(Object.values(states).includes('problem') ? 1 : 0)
  })
})

describe('wrong usage', () => {
  test.each([['stauts'], ['--stdio'], [''], ['status', '--jsno'], ['login', 'sk-FAKE-0001']])(
    '%s ends with 2 and never starts a server, though standard input stays open',
    async (...args) => {
      const here = await place()
      const { code, stdout, stderr } = await here.start(args).ended
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
      expect(stderr).toMatch(/^error: .*\n.*\[INPUT_INVALID\]\n$/)
      expect(stderr).not.toContain('FAKE')
      expect(here.fake.seen.requests).toEqual([])
    },
  )
})

test('a configuration that is not usable: status, doctor and help work, the rest says so', async () => {
  const here = await place({ CODEX_OAUTH_PORTS: 'CANARY' })
  expect(await here.run(['status'])).toMatchObject({ code: 3, stdout: expect.stringContaining('CODEX_OAUTH_PORTS') })
  for (const args of [['--help'], ['--version']]) expect((await here.run(args)).code).toBe(0)
  expect(await here.run(['doctor'])).toMatchObject({ code: 1, stdout: expect.stringContaining('CODEX_OAUTH_PORTS') })
  for (const args of [['login'], ['logout'], ['models'], ['ask', 'x'], ['forget', 'x']]) {
    const { code, stdout, stderr } = await here.run(args)
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/CODEX_OAUTH_PORTS.*\n.*\[CONFIG_INVALID\]\n$/)
    expect(stderr).not.toContain('CANARY')
  }
})

test('without standard input, output and error at all, a question is still asked', async () => {
  const here = await place()
  seed(here)
  expect((await shell('"$0" "$1" ask hi <&- >&- 2>&-', here)).code).toBe(0)
  expect(here.fake.seen.counts[RESPONSES]).toBe(1)
})

describe('a signal', () => {
  const LIMIT_MS = 2_000
  /** The machine may be busy, and the process has to be collected. */
  const MARGIN_MS = 500
  const SIGNALS = [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const

  async function endBy(command: BuiltCommand, signal: NodeJS.Signals): Promise<number | null> {
    const { code, ms } = await command.endBy(() => command.child.kill(signal))
    expect(ms).toBeLessThan(LIMIT_MS + MARGIN_MS)
    return code
  }

  test.each(SIGNALS)('%s during a question cancels it at the service: exit code %i', async (signal, code) => {
    const here = await place()
    seed(here)
    here.fake.script.responses.push({ sse: endlessDeltas() })
    const command = here.start(['ask', 'x'])
    await here.fake.arrival(RESPONSES)
    expect(await endBy(command, signal)).toBe(code)
    await here.fake.clientGone()
    expect(command.stdout()).toBe('')
    expect(command.stderr()).toMatch(/^error: The command was cancelled\..*\n?.*\[CANCELLED\]\n$/)
  })

  test.each(SIGNALS)('%s during a sign-in frees its port: exit code %i', async (signal, code) => {
    const here = await place()
    const command = here.start(['login'])
    await command.said('Waiting up to')
    expect(await isListening(here.ports[0] ?? 0)).toBe(true)
    expect(await endBy(command, signal)).toBe(code)
    expect(await isListening(here.ports[0] ?? 0)).toBe(false)
  })

  test('a refresh under way is stored first', async () => {
    const here = await place()
    seed(here, -1)
    const { promise, open } = gate()
    here.fake.script.token.push(late(promise))
    const command = here.start(['ask', 'x'])
    await here.fake.arrival('/oauth/token')
    const ended = endBy(command, 'SIGINT')
    await command.said('[CANCELLED]')
    open()
    expect(await ended).toBe(130)
    expect(stored(here).refresh_token).toBe('rt_FAKE_f1_2')
  })

  test('a refresh that never ends does not hold it', async () => {
    const here = await place()
    seed(here, -1)
    here.fake.script.token.push(delayed(new Promise(() => {})))
    const command = here.start(['ask', 'x'])
    await here.fake.arrival('/oauth/token')
    expect(await endBy(command, 'SIGINT')).toBe(130)
  })
})

test('a forced sign-in revokes the old login before the process ends', async () => {
  const here = await place()
  seed(here)
  here.fake.script.revoke.push(delayed(new Promise((resolve) => setTimeout(resolve, 300))))
  const command = here.start(['login', '--force'])
  await here.fake.browser(urlIn(await command.said('Waiting up to')))
  expect((await command.ended).code).toBe(0)
  expect(here.fake.seen.counts['/oauth/revoke']).toBe(1)
})

describe('standard output', () => {
  test('a reader that goes early, like head, ends it quietly', async () => {
    const here = await place({}, { reply: 'A long line.\n'.repeat(200_000) })
    seed(here)
    const { stdout, stderr } = await shell('{ "$0" "$1" ask x; echo "ended with $?" >&2; } | head -1', here)
    expect(stdout).toBe('A long line.\n')
    expect(stderr).toMatch(/^(Answered by .*\n)?ended with 0\n$/)
  })

  test.runIf(process.platform === 'linux')('a full disk is a failure', async () => {
    const { code, stderr } = await shell('"$0" "$1" --help > /dev/full', await place())
    expect({ code, stderr }).toEqual({ code: 1, stderr: 'error: Standard output cannot be written.\n' })
  })
})

/** A line for the shell, in which `"$0" "$1"` is the program. */
async function shell(line: string, { env }: Place) {
  const child = spawn('sh', ['-c', line, process.execPath, SERVER], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (text) => {
    stdout += text
  })
  child.stderr.on('data', (text) => {
    stderr += text
  })
  const code = await new Promise((resolve) => child.once('close', resolve))
  return { code, stdout, stderr }
}

describe('files and changes', () => {
  test('come from the folder the command is typed in, whatever project a terminal has inherited', async () => {
    const elsewhere = tempFolder()
    const here = await place({ CLAUDE_PROJECT_DIR: elsewhere })
    seed(here)
    writeFiles(elsewhere, { 'only-there.ts': 'x' })
    const repo = gitRepo()
    repo.commit({ 'src/a.ts': 'before\n', 'src/b.ts': 'AAA\n' })
    repo.write({ 'src/a.ts': 'after\n' })
    const cwd = repo.folder
    const args = ['ask', '--file', 'src/b.*', '--diff', 'working', '-']
    const { code, stderr } = await here.run(args, { cwd, stdin: 'Why?' })
    expect(code).toBe(0)
    expect(stderr).toMatch(/\nSent: src\/b\.ts \(\d B\), diff working \(/)
    const sent = here.fake.seen.requests.find(({ path }) => path === RESPONSES)?.text
    for (const there of ['AAA', '+after', 'Why?']) expect(sent).toContain(there)
    expect(await here.run(['ask', '--file', 'only-there.ts', 'x'], { cwd })).toMatchObject({ code: 2, stdout: '' })
  })

  test('a server in Claude Code takes them from the project it is told', async () => {
    const project = tempFolder()
    writeFiles(project, { 'a.ts': 'AAA' })
    const here = await place({ CLAUDE_PROJECT_DIR: project })
    seed(here)
    const server = startBuiltServer(here.env)
    const hello = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } }
    await server.request(0, 'initialize', hello)
    server.send({ method: 'notifications/initialized' })
    const { text } = await server.call('codex_query', { prompt: 'x', files: ['a.ts'] })
    expect(text).toContain('Sent: a.ts (3 B)')
  })
})

describe('an answer that is cut short is had by the next command', () => {
  interface Kept {
    id: string
    state: string
    characters: number
  }

  async function newest(here: Place): Promise<Kept | undefined> {
    const { answers = [] } = JSON.parse((await here.run(['status', '--json'])).stdout)
    return answers[0]
  }

  test.each([
    // Whether the cancel or the end of the process is noted first is all the same.
    ['SIGINT', /^(?:cancelled|interrupted)$/, /The (?:call was cancelled|program that asked has ended)\./],
    ['SIGKILL', /^interrupted$/, /The program that asked has ended\./],
  ] as const)('by %s', async (signal, state, why) => {
    const here = await place()
    seed(here)
    const { promise } = gate()
    const events = answerEvents('Twelve chars', { deltas: 2 })
    const half = events.findIndex(({ type }) => type.endsWith('delta')) + 1
    here.fake.script.responses.push({ sse: parts(sse(events.slice(0, half)), promise) })
    const command = here.start(['ask', 'x'])
    // Another process sees it grow.
    while ((await newest(here))?.characters !== 'Twelve'.length) expect(command.child.exitCode).toBeNull()
    await command.endBy(() => command.child.kill(signal))
    const kept = await newest(here)
    expect(kept?.state).toMatch(state)
    const collected = await here.run(['ask', '--collect', kept?.id ?? ''])
    expect(collected).toMatchObject({ code: 1, stdout: 'Twelve\n', stderr: expect.stringMatching(why) })
  })

  test('and one that still comes is waited for, in another process', async () => {
    const here = await place()
    seed(here)
    const { promise, open } = gate()
    const events = answerEvents('Twelve chars', { deltas: 2 })
    const half = events.findIndex(({ type }) => type.endsWith('delta')) + 1
    here.fake.script.responses.push({ sse: parts(sse(events.slice(0, half)), promise, sse(events.slice(half))) })
    const command = here.start(['ask', 'x'])
    await here.fake.arrival(RESPONSES)
    const collecting = here.start(['ask', '--collect', (await newest(here))?.id ?? ''])
    open()
    expect((await command.ended).stdout).toBe('Twelve chars\n')
    expect(await collecting.ended).toMatchObject({ code: 0, stdout: 'Twelve chars\n' })
  })
})

const hasScript = spawnSync('script', ['--version']).stdout?.includes('util-linux') === true

describe.runIf(hasScript)('on a terminal', () => {
  const terminal = { terminal: true }

  test('the answer streams, progress comes and goes, and nothing of it can steer the terminal', async () => {
    const here = await place()
    seed(here)
    here.fake.script.responses.push({ sse: answer('one\u001b[2Jtwo', { deltas: 3, reasoning: 'Hm.' }) })
    const { code, stdout } = await here.start(['ask', 'x'], terminal).ended
    expect(code).toBe(0)
    expect(stdout).toContain('\r\u001b[Kone[2Jtwo\r\n\u001b[2mAnswered by Codex')
    const lines = stdout.split('\r\u001b[K')
    expect(lines).toContainEqual(expect.stringMatching(/^Codex is thinking \(\d s\) · answer a-\w{10}$/))
    expect(stdout).not.toContain('\u001b[2J')
  })

  test('NO_COLOR and a dumb terminal are respected', async () => {
    const here = await place({ NO_COLOR: '1', TERM: 'dumb' })
    seed(here)
    const { stdout } = await here.start(['ask', 'x'], terminal).ended
    expect(stdout).toMatch(/^Hello from the fake Codex\.\r\nAnswered by Codex/)
  })

  test('Ctrl-C cancels an answer that is being written', async () => {
    const here = await place()
    seed(here)
    here.fake.script.responses.push({ sse: endlessDeltas() })
    const command = here.start(['ask', 'x'], terminal)
    await command.said('and on and on')
    command.child.stdin.write('\u0003')
    const { code, stdout } = await command.ended
    expect(code).toBe(130)
    expect(stdout).toMatch(
      /\r\nWhat came of the answer is kept: .* ask --collect a-\w{10}` gets it\. \[CANCELLED\]\r\n$/,
    )
    await here.fake.clientGone()
  })

  test('Ctrl-C cancels while the question is typed', async () => {
    const here = await place()
    const command = here.start(['ask', '-'], terminal)
    await command.said('Type the question')
    command.child.stdin.write('Why\u0003')
    expect((await command.ended).code).toBe(130)
  })

  test('a sign-in says what to paste, and does not wait for it', async () => {
    const here = await place()
    const command = here.start(['login'], terminal)
    const said = await command.said('Waiting up to')
    expect(said).toContain('paste the address of that page here')
    await here.fake.browser(urlIn(said).replaceAll('\u001b[0m', ''))
    const { code, stdout } = await command.ended
    expect(code).toBe(0)
    expect(stdout).toMatch(/Signed in as p…n@example\.com \(pro\)\.\r\n$/)
  })

  test('a key that is typed does not appear, and Ctrl-C works there too', async () => {
    const here = await place()
    const command = here.start(['login', '--with-api-key'], terminal)
    await command.said('it is not shown')
    command.child.stdin.write('sk-FAKE-0001')
    command.child.stdin.write('\u0003')
    const { code, stdout } = await command.ended
    expect(code).toBe(130)
    expect(stdout).not.toContain('FAKE')
  })

  test('without an argument it says that it is a server, and serves', async () => {
    const here = await place()
    const command = here.start([], terminal)
    expect(await command.said('--help')).toMatch(/^codex-oauth is an MCP server/)
    command.child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id: 7, method: 'ping' })}\n`)
    await command.said('{"result":{},"jsonrpc":"2.0","id":7}')
    command.child.stdin.write('\u0003')
    expect((await command.ended).code).toBe(0)
  })
})

test('a fault of ours ends a command with one redacted line', async () => {
  const here = await place()
  const file = join(tempFolder(), 'sabotage.mjs')
  writeFileSync(file, 'setTimeout(() => { throw new Error("Bearer sk-CANARY-0001") }, 500)')
  const { code, stderr } = await startCommand({ ...here.env, NODE_OPTIONS: `--import ${file}` }, ['ask', '-']).ended
  expect(code).toBe(1)
  expect(stderr).toMatch(/^codex-oauth: unexpected error, the command ends: .*\n$/)
  expect(stderr).not.toContain('CANARY')
})
