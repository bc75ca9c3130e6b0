import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { startFakeOpenAI } from '../support/fake-openai.ts'
import { answer } from '../support/fake-sse.ts'
import { recordOf } from '../support/start-app.ts'
import { startCli } from '../support/start-cli.ts'

async function signedIn() {
  const fake = await startFakeOpenAI()
  onTestFinished(() => fake.close())
  const cli = await startCli(fake)
  cli.seed(recordOf(fake.issueTokens()))
  return { fake, cli }
}

test('recent answers and conversations stand below the login, newest first', async () => {
  const { fake, cli } = await signedIn()
  await cli.run(['ask', '--conversation', 'my talk', 'One?'])
  fake.script.responses.push({ sse: answer('Half', { end: 'cut', items: false }) })
  await cli.run(['ask', '--conversation', 'my talk', 'Two,\nor not?'])
  const { code, stdout } = await cli.run(['status'])
  expect(code).toBe(0)
  const kept = stdout.slice(stdout.indexOf('answers\n'))
  const lines = [
    /^answers$/,
    /^ {2}a-\w{10} {2}\d seconds? ago +incomplete {2}gpt-6\.1-sol {2}Two, or not\?$/,
    /^ {2}a-\w{10} {2}\d seconds? ago +finished {4}gpt-6\.1-sol {2}One\?$/,
    /^conversations$/,
    /^ {2}my talk {2}2 turns {2}\d seconds? ago {2}Two, or not\?$/,
    /^$/,
  ]
  expect(kept.split('\n')).toHaveLength(lines.length)
  for (const [index, line] of kept.split('\n').entries()) expect(line).toMatch(lines[index] ?? /^$/)
})

test('--json has them as the tool has them', async () => {
  const { cli } = await signedIn()
  await cli.run(['ask', '--conversation', 'my talk', 'One?'])
  const { answers, conversations } = JSON.parse((await cli.run(['status', '--json'])).stdout)
  expect({ answers, conversations }).toMatchObject({
    answers: [{ state: 'finished', prompt: 'One?', conversation: 'my talk' }],
    conversations: [{ name: 'my talk', turns: 1, last_prompt: 'One?' }],
  })
})

test('no more than ten of each', async () => {
  const { cli } = await signedIn()
  const [at, turns] = [Date.now(), 3]
  const summary = { state: 'finished', startedAt: at, endedAt: at, conversation: undefined, prompt: 'x' } as const
  const many = Array.from({ length: 12 }, (_, index) => `${index}`)
  const answers = {
    list: () => many.map((id) => ({ ...summary, id, model: undefined, phase: undefined, characters: 1, isKept: true })),
  }
  const conversations = {
    list: () => ({
      conversations: many.map((name) => ({ name, turns, updatedAt: at, lastPrompt: 'y' })),
      problems: [],
    }),
  }
  const services = { answers: { ...answers, look: () => undefined }, conversations }
  const { stdout } = await cli.run(['status'], { services })
  expect(stdout.match(/ x$/gm)).toHaveLength(10)
  expect(stdout.match(/ y$/gm)).toHaveLength(10)
})

test('a question cannot steer the terminal, nor make a line of its own', async () => {
  const { cli } = await signedIn()
  await cli.run(['ask', 'a\u001b[2J\nb\u2028c'])
  const { stdout } = await cli.run(['status'], { terminal: ['stdout'], env: { NO_COLOR: '1' } })
  expect(stdout).toMatch(/^ {2}a-\w{10} .* a.*b.*c$/m)
  expect(stdout).not.toContain('\u001b')
})

test('a conversation that cannot be read is told, and costs nobody the rest', async () => {
  const { cli } = await signedIn()
  await cli.run(['ask', '--conversation', 'my talk', 'One?'])
  const folder = join(cli.home, '.claude', 'codex-oauth', 'conversations')
  const damage = (path: string) => {
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      const inner = join(path, entry.name)
      if (entry.isDirectory()) damage(inner)
      else writeFileSync(inner, 'no JSON')
    }
  }
  damage(folder)
  const { code, stdout } = await cli.run(['status'])
  expect(code).toBe(0)
  expect(stdout).toMatch(/damaged/)
})
