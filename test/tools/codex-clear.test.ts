import { expect, test } from 'vitest'
import { apiKeyName } from '../../src/services/login/credential-name.ts'
import type { ClearOutcome } from '../../src/services/login/sign-out.ts'
import { codexClear } from '../../src/tools/codex-clear.ts'
import { toolCall } from '../support/tool-call.ts'

const nothing: ClearOutcome = { removed: undefined, revoked: false, cancelled: false, remaining: undefined }

async function neverAsked(): Promise<never> {
  throw new Error('nobody asked for that')
}

async function clear(outcome: Partial<ClearOutcome>) {
  const tool = codexClear({ signOut: async () => ({ ...nothing, ...outcome }), conversations: { remove: neverAsked } })
  const output = await tool.run({} as never, toolCall())
  const data = JSON.parse(JSON.stringify('structured' in output ? output.structured : {}))
  expect(tool.output?.safeParse(data).success).toBe(true)
  return data
}

test('nobody was signed in', async () => {
  expect(await clear({})).toEqual({
    cleared: false,
    revoked: false,
    login_cancelled: false,
    message: 'Nobody was signed in.',
  })
})

test('a login that is removed and revoked', async () => {
  expect(await clear({ removed: 'account', revoked: true })).toMatchObject({
    cleared: true,
    revoked: true,
    message: 'Signed out; the credentials are removed from this machine. OpenAI confirmed that they are revoked.',
  })
})

test('a stored key is removed, and lives on at OpenAI', async () => {
  expect(await clear({ removed: 'api_key' })).toMatchObject({
    cleared: true,
    revoked: false,
    message: 'The stored API key is removed from this machine. It stays valid at OpenAI until it is deleted there.',
  })
})

test('a revocation nobody confirmed is not claimed', async () => {
  const { revoked, message } = await clear({ removed: 'account' })
  expect(revoked).toBe(false)
  expect(message).toMatch(/OpenAI did not confirm the revocation; the tokens are gone here/)
})

test('a sign-in that was open, and a key that goes on answering, are named', async () => {
  expect(await clear({ cancelled: true, remaining: apiKeyName('CODEX_API_KEY') })).toMatchObject({
    login_cancelled: true,
    environment_key: 'CODEX_API_KEY',
    message:
      'Nobody was signed in. The sign-in that was open is cancelled. Questions are still answered with the API key from CODEX_API_KEY, billed per token.',
  })
})

test('what could not be done is said in the place of a revocation that was not confirmed', async () => {
  const problem = 'It could not be revoked at OpenAI. The keychain is locked.'
  expect(await clear({ removed: 'account', problem })).toMatchObject({
    revoked: false,
    message: `Signed out; the credentials are removed from this machine. ${problem}`,
  })
  expect((await clear({ removed: 'account', revoked: true, problem: 'A key is left.' })).message).toMatch(
    /OpenAI confirmed that they are revoked\. A key is left\.$/,
  )
})

test('two logins are named, each with what became of it', async () => {
  const unconfirmed = 'OpenAI did not confirm the revocation. Disconnect it.'
  const others = [{ title: 'plan route', removed: 'account', revoked: false, unconfirmed }] as const
  expect(await clear({ title: 'Codex route', removed: 'account', revoked: true, others })).toMatchObject({
    cleared: true,
    revoked: false,
    message:
      'Signed out of the Codex route; the credentials are removed from this machine. OpenAI confirmed that they are revoked. ' +
      `Signed out of the plan route; the credentials are removed from this machine. ${unconfirmed}`,
  })
})

test.each<[string, number, string]>([
  ['design', 1, 'The conversation “design” is removed from this machine.'],
  ['design', 0, 'There is no conversation “design”; codex_status lists them.'],
  ['*', 1, '1 conversation is removed from this machine.'],
  ['*', 4, '4 conversations are removed from this machine.'],
  ['*', 0, 'There are no conversations.'],
])('the conversation %s, of which there are %i, and no login', async (name, removed, message) => {
  const asked: string[] = []
  const remove = async (conversation: string) => {
    asked.push(conversation)
    return removed
  }
  const tool = codexClear({ signOut: neverAsked, conversations: { remove } })
  const output = await tool.run(tool.input.parse({ conversation: name }) as never, toolCall())
  expect(asked).toEqual([name])
  expect(output).toEqual({
    structured: { cleared: removed > 0, revoked: false, login_cancelled: false, message },
  })
})
