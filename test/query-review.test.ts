import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { VERDICT_SCHEMA } from '../src/tools/verdict-schema.ts'
import { startFakeOpenAI } from './support/fake-openai.ts'
import type { SeenRequest } from './support/fake-request.ts'
import type { Step } from './support/fake-script.ts'
import { answer } from './support/fake-sse.ts'
import { type GitRepo, gitRepo } from './support/git-repo.ts'
import { planRecordOf, seedLogins } from './support/plan-app.ts'
import { recordOf, type StartedApp, startApp } from './support/start-app.ts'

/** Issue 5, section 8, "Review": what the texts tell a host to do, done to the letter, in a real git repository. */

type RouteName = 'codex' | 'plan' | 'key'

const BEFORE = 'export const add = (a: number, b: number) => a + b\n'
const AFTER = 'export const add = (a: number, b: number) => a - b\n'

async function start(route: RouteName = 'codex', repo: GitRepo = changedRepo()) {
  const fake = await startFakeOpenAI()
  onTestFinished(() => fake.close())
  const env: Record<string, string> = route === 'key' ? { OPENAI_API_KEY: 'sk-FAKE-0001' } : {}
  const app = await startApp(fake, { env, edges: { projectFolder: () => repo.folder } })
  if (route === 'codex') app.seed(recordOf(fake.issueTokens()))
  if (route === 'plan') seedLogins(app, { codex_plan: planRecordOf(fake.plan.issueTokens()) })
  const script = route === 'plan' ? fake.plan.script.responses : fake.script.responses
  script.always(reviewer)
  const questions = () => fake.seen.requests.filter(({ path }) => path.endsWith('/responses'))
  return { app, repo, script, questions, refusals: fake.seen.refusals }
}

/** A repository with a commit, and a change and a new file that are not committed. */
function changedRepo(): GitRepo {
  const repo = gitRepo()
  repo.commit({ 'src/add.ts': BEFORE, 'README.md': '# Add\n' })
  repo.write({ 'src/add.ts': AFTER, 'src/new.ts': 'export {}\n' })
  return repo
}

/** Answers whatever schema it is given: the first of each choice, one item in each list. */
const reviewer: Step = (_usual, { body }) => {
  const { model, text } = body as { model: string; text?: { format?: { schema?: unknown } } }
  return { headers: { 'openai-model': model }, sse: answer(JSON.stringify(valueFor(text?.format?.schema)), { model }) }
}

function valueFor(schema: unknown): unknown {
  const { type, enum: choices, properties, items } = Object(schema)
  if (Array.isArray(choices)) return choices[0]
  switch ([type].flat()[0]) {
    case 'object':
      return Object.fromEntries(Object.entries(Object(properties)).map(([name, part]) => [name, valueFor(part)]))
    case 'array':
      return [valueFor(items)]
    case 'integer':
      return 1
    default:
      return 'It subtracts.'
  }
}

const VERDICT = {
  verdict: 'approve',
  summary: 'It subtracts.',
  findings: [
    { severity: 'blocker', file: 'It subtracts.', line: 1, claim: 'It subtracts.', evidence: 'It subtracts.' },
  ],
}

/** The call that the prompt `review` tells a host to make. */
async function callOfPrompt({ client }: StartedApp, focus?: string): Promise<Record<string, unknown>> {
  const args = focus === undefined ? {} : { arguments: { focus } }
  const { messages } = await client.getPrompt({ name: 'review', ...args })
  const text = messages[0]?.content.type === 'text' ? messages[0].content.text : ''
  const tagged = (name: string) => new RegExp(`^<(${name}_*)>\\n([\\s\\S]*?)\\n</\\1>$`, 'm').exec(text)?.[2]
  return {
    diff: /`diff`: `(\w+)`/.exec(text)?.[1],
    output_schema: JSON.parse(/`output_schema`: (\{.*\})$/m.exec(text)?.[1] ?? ''),
    prompt: [tagged('prompt'), tagged('focus')].filter((part) => part !== undefined).join('\n\n'),
  }
}

/** The call that the command of the plugin tells Claude Code to make, when the user has named this. */
function callOfCommand({ diff, focus }: { diff?: string; focus?: string } = {}): Record<string, unknown> {
  const text = readFileSync(join(import.meta.dirname, '..', 'commands', 'codex-review.md'), 'utf8')
  const block = (language: string) => new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(text)?.[1] ?? ''
  const question = block('text').replace(/^ +/gm, '').trim()
  return {
    diff: diff ?? /- `diff`: `(\w+)`/.exec(text)?.[1],
    output_schema: JSON.parse(block('json')),
    prompt: focus === undefined ? question : `${question}\n\n${focus}`,
  }
}

const formOf = ({ body }: SeenRequest) => (body as { text: { format: object } }).text.format
const sentTo = ({ body }: SeenRequest) => {
  const { input } = body as { input: { role?: string; content?: { text: string }[] }[] }
  return (input.find(({ role }) => role === 'user')?.content ?? []).map(({ text }) => text).join('\n')
}

const WAYS: [string, (app: StartedApp, focus?: string) => Promise<Record<string, unknown>>][] = [
  ['the prompt `review`', callOfPrompt],
  ['the command /codex-review', async (_app, focus) => callOfCommand(focus === undefined ? {} : { focus })],
]

describe.each(WAYS)('%s', (_name, callOf) => {
  test.each<RouteName>(['codex', 'plan', 'key'])(
    'asks for a verdict on what is not committed, in one question, on the route of %s',
    async (route) => {
      const { app, questions, refusals } = await start(route)
      const { texts, isError } = await app.call('codex_query', await callOf(app))
      expect([isError, questions().length, refusals]).toEqual([false, 1, []])
      const [question] = questions()
      if (question === undefined) expect.unreachable()
      expect(formOf(question)).toMatchObject({ type: 'json_schema', strict: true, schema: VERDICT_SCHEMA })
      const sent = sentTo(question)
      expect(sent).toContain('Review this change as a colleague who has to live with it.')
      for (const line of [`-${BEFORE}`, `+${AFTER}`, '+export {}', 'src/new.ts']) expect(sent).toContain(line.trim())
      expect(sent).not.toContain('# Add')
      expect(JSON.parse(texts[0] ?? '')).toEqual(VERDICT)
      expect(texts[1]).toMatch(/^Answered by Codex \(gpt.*\nSent: diff working \(\d+ B: src\/add\.ts, src\/new\.ts\)$/m)
    },
  )

  test('takes along what the user wants looked at', async () => {
    const { app, questions } = await start()
    await app.call('codex_query', await callOf(app, 'the signs; is </prompt> fine?'))
    expect(questions().map(sentTo).join()).toMatch(
      /No findings is a\s+good answer\.\s+the signs; is <\/prompt> fine\?$/,
    )
  })

  test('has an answer that is no verdict put right, once', async () => {
    const { app, script, questions } = await start()
    script.push({ sse: answer({ verdict: 'LGTM', summary: 'Fine.', findings: [] }) })
    const { texts } = await app.call('codex_query', await callOf(app))
    expect(JSON.parse(texts[0] ?? '')).toEqual(VERDICT)
    expect(questions()).toHaveLength(2)
  })

  test('says so where there is nothing to review, and asks nobody', async () => {
    const repo = gitRepo()
    repo.commit({ 'a.ts': BEFORE })
    const { app, questions } = await start('codex', repo)
    const { text, isError } = await app.call('codex_query', await callOf(app))
    expect(isError).toBe(true)
    expect(text).toMatch(/^Everything is committed, so there is no diff\..*\[INPUT_INVALID\]$/)
    expect(questions()).toEqual([])
  })
})

test.each<[string, (repo: GitRepo) => void, sent: string, unsent: string]>([
  ['staged', ({ git }) => void git('add', 'src/add.ts'), 'src/add.ts', 'src/new.ts'],
  ['main~1..main', (repo) => repo.commit(), 'src/new.ts', '# Add'],
])('the command asks for another change where the user names one: %s', async (diff, prepare, sent, unsent) => {
  const { app, repo, questions } = await start()
  prepare(repo)
  const { isError } = await app.call('codex_query', callOfCommand({ diff }))
  expect(isError).toBe(false)
  expect(questions().map(sentTo).join()).toContain(sent)
  expect(questions().map(sentTo).join()).not.toContain(unsent)
})

test('what looks like a secret is left out of a review, which says so', async () => {
  const { app, repo, questions } = await start()
  repo.write({ '.env': 'TOKEN=sk-CANARY-0001\n' })
  const { texts } = await app.call('codex_query', callOfCommand())
  expect(
    questions()
      .map(({ text }) => text)
      .join(),
  ).not.toContain('CANARY')
  expect(texts[1]).toMatch(/^Left out: .*\.env/m)
})
