import { expect, test } from 'vitest'
import type { ClearOutcome } from '../../src/services/sign-out.ts'
import { codexClear } from '../../src/tools/codex-clear.ts'

const nothing: ClearOutcome = { removed: false, revoked: false, cancelled: false, environmentKey: undefined }

async function clear(outcome: Partial<ClearOutcome>) {
  const tool = codexClear({ signOut: async () => ({ ...nothing, ...outcome }) })
  const output = await tool.run({} as never, { signal: new AbortController().signal, progress: () => {} })
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
  expect(await clear({ removed: true, revoked: true })).toMatchObject({
    cleared: true,
    revoked: true,
    message: 'Signed out; the credentials are removed from this machine. OpenAI confirmed that they are revoked.',
  })
})

test('a revocation nobody confirmed is not claimed', async () => {
  const { revoked, message } = await clear({ removed: true })
  expect(revoked).toBe(false)
  expect(message).toMatch(/OpenAI did not confirm the revocation; the tokens are gone here/)
})

test('a sign-in that was open, and a key that goes on answering, are named', async () => {
  expect(await clear({ cancelled: true, environmentKey: 'CODEX_API_KEY' })).toMatchObject({
    login_cancelled: true,
    environment_key: 'CODEX_API_KEY',
    message:
      'Nobody was signed in. The sign-in that was open is cancelled. Questions are still answered with the API key in CODEX_API_KEY.',
  })
})

test('what could not be done is said in the place of a revocation that was not confirmed', async () => {
  const problem = 'It could not be revoked at OpenAI. The keychain is locked.'
  expect(await clear({ removed: true, problem })).toMatchObject({
    revoked: false,
    message: `Signed out; the credentials are removed from this machine. ${problem}`,
  })
  expect((await clear({ removed: true, revoked: true, problem: 'A key is left.' })).message).toMatch(
    /OpenAI confirmed that they are revoked\. A key is left\.$/,
  )
})
