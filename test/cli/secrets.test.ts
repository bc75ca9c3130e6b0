import { expect, onTestFinished, test } from 'vitest'
import { startFakeOpenAI } from '../support/fake-openai.ts'
import { changed, type Step } from '../support/fake-script.ts'
import { recordOf } from '../support/start-app.ts'
import { type CliOutcome, type StartedCli, startCli } from '../support/start-cli.ts'

const API_KEY = 'sk-CANARY-51c8'
const PROMPT = 'CANARY-prompt-51c8'

/** The far side repeats what it was sent, as a badly made error message would. */
const echo: Step = (usual, { text, headers }) => {
  usual()
  return {
    status: 400,
    json: { error: 'invalid', error_description: `${text} ${headers.authorization}`, detail: text },
  }
}

const urlIn = (text: string) => /^https?:\S+\/oauth\/authorize\?\S+$/m.exec(text)?.[0] ?? ''

test('no token, code, key or question is in what a command writes, on a terminal and off it', async () => {
  const fake = await startFakeOpenAI({ apiKey: API_KEY })
  onTestFinished(() => fake.close())
  const env = { CODEX_OAUTH_NO_BROWSER: '1', OPENAI_API_KEY: API_KEY }
  for (const terminal of [[], ['stdin', 'stdout', 'stderr']] as const) {
    const cli = await startCli(fake, { env })
    const written: string[] = []
    const note = ({ stdout, stderr }: CliOutcome, shown = '') => written.push((stdout + stderr).replaceAll(shown, ''))
    const run = async (...args: string[]) => note(await cli.run(args, { terminal }))
    const signIn = async (deny?: true) => {
      const command = cli.begin(['login', '--force'], { terminal })
      const url = urlIn(plain(await command.said('Waiting up to')))
      command.type(`http://localhost/auth/callback?code=ac_FAKE_0&state=${PROMPT}\n`)
      await command.said('[INPUT_INVALID]')
      await fake.browser(url, deny === undefined ? {} : { deny })
      note(await command.ended, url)
    }

    await signIn(true)
    fake.script.token.push(echo)
    await signIn()
    fake.script.token.push(changed({ access_token: 'a b' }))
    await signIn()
    await signIn()
    for (const args of [['status'], ['status', '--json'], ['models'], ['doctor'], ['login']]) await run(...args)
    await run('ask', PROMPT)
    fake.script.responses.push({ status: 400, json: { detail: `You sent ${stored(cli).access_token}` } })
    await run('ask', '--model', 'gpt-5.5', PROMPT)
    await run('ask', '--temperature', PROMPT, PROMPT)
    await run('ask', `--${PROMPT}`)
    await run(PROMPT)
    await run('login', API_KEY)
    cli.seed(recordOf(fake.issueTokens({ expiresInSeconds: -1 }), -1))
    fake.script.token.push(echo)
    await run('ask', PROMPT)
    note(await cli.run(['login', '--with-api-key'], { stdin: API_KEY, terminal: [] }))
    await run('logout')
    await run('ask', PROMPT)

    const secrets = [...fake.secrets(), 'CANARY', 'ac_FAKE', 'eyJhbGci']
    const leaks = written.flatMap((text) =>
      secrets.filter((secret) => text.includes(secret)).map((secret) => [secret, text]),
    )
    expect(leaks).toEqual([])
    expect(written.length).toBeGreaterThan(18)
  }
})

function plain(text: string): string {
  return text.replaceAll('\u001b[1m', '').replaceAll('\u001b[0m', '')
}

function stored(cli: StartedCli): Record<string, unknown> {
  return cli.stored()?.codex ?? {}
}
