import { expect, onTestFinished, test } from 'vitest'
import { startFakeOpenAI } from '../support/fake-openai.ts'
import { recordOf } from '../support/start-app.ts'
import { startCli } from '../support/start-cli.ts'

async function withTalks(...names: string[]) {
  const fake = await startFakeOpenAI()
  onTestFinished(() => fake.close())
  const cli = await startCli(fake)
  cli.seed(recordOf(fake.issueTokens()))
  for (const name of names) expect((await cli.run(['ask', '--conversation', name, 'Why?'])).code).toBe(0)
  const left = () => cli.app.services.conversations.list().conversations.map(({ name }) => name)
  return { fake, cli, left }
}

test('one conversation goes, the others and the login stay', async () => {
  const { fake, cli, left } = await withTalks('my talk', 'other')
  expect(await cli.run(['forget', 'my talk'])).toEqual({
    code: 0,
    stdout: 'The conversation “my talk” is removed from this machine.\n',
    stderr: '',
  })
  expect(left()).toEqual(['other'])
  expect((await cli.run(['status'])).code).toBe(0)
  expect(fake.seen.counts['/oauth/revoke']).toBeUndefined()
})

test('all of them go, and it is no failure that there are none', async () => {
  const { cli, left } = await withTalks('one', 'two')
  expect((await cli.run(['forget', '--all'])).stdout).toBe('2 conversations are removed from this machine.\n')
  expect(left()).toEqual([])
  expect(await cli.run(['forget', '--all'])).toMatchObject({ code: 0, stdout: 'There are no conversations.\n' })
})

test.each<[string[], RegExp]>([
  [[], /^error: NAME is missing\./],
  [['--all', 'one'], /^error: --all and NAME exclude each other\./],
  [['*'], /^error: All conversations are removed with --all\./],
  [['one', 'talk'], /^error: A name with spaces goes into quotation marks\./],
  [['One'], /^error: There is no conversation “One”; `codex-oauth-mcp status` lists them\. /],
  [['a\nb'], /^error: The name of a conversation must be one line/],
])('%j is refused, and nothing goes', async (args, expected) => {
  const { cli, left } = await withTalks('one')
  const { code, stdout, stderr } = await cli.run(['forget', ...args])
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toMatch(expected)
  expect(stderr).toMatch(/\[INPUT_INVALID\]\n$/)
  expect(left()).toEqual(['one'])
})
