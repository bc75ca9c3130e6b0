import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { recordIn } from '../../src/infrastructure/token-record.ts'
import { createTokenStorage } from '../../src/infrastructure/token-storage.ts'
import { withRecord } from '../../src/infrastructure/token-text.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { aRecord } from '../support/token-records.ts'
import { aVault } from '../support/vaults.ts'

const PLACE = { key: 'codex_plan' }

const both = () => {
  const file = join(tempFolder(), 'auth.json')
  const deps = { file, vault: aVault(), now: Date.now }
  return { file, codex: createTokenStorage(deps), plan: createTokenStorage({ ...deps, place: PLACE }) }
}

test('two records lie side by side, and neither knows of the other', async () => {
  const { codex, plan } = both()
  await codex.update(() => aRecord({ accessToken: 'one' }))
  await plan.update(() => aRecord({ accessToken: 'two', clientId: 'oaiapp_FAKE', scope: 'openid a.b' }))
  expect(codex.read().record?.accessToken).toBe('one')
  expect(plan.read().record).toMatchObject({ accessToken: 'two', clientId: 'oaiapp_FAKE', scope: 'openid a.b' })
  await codex.update(() => undefined)
  expect(codex.read().record).toBeUndefined()
  expect(plan.read().record?.accessToken).toBe('two')
})

test('a change of one leaves every character of the other', () => {
  const text = '{ "codex_plan" : {"access_token":"a", "x": 1.0},\n  "openai_codex":{"access_token":"b"} }'
  const edited = withRecord(text, aRecord({ accessToken: 'new' }), PLACE)
  expect(edited).toContain('"openai_codex":{"access_token":"b"}')
  expect(edited).toContain('"x": 1.0')
  expect(withRecord(text, aRecord({ accessToken: 'new' }))).toContain('{"access_token":"a", "x": 1.0}')
  expect(JSON.parse(withRecord(text, undefined, PLACE))).toEqual({ openai_codex: { access_token: 'b' } })
})

test('a login that is over is stored without tokens, and read as one', async () => {
  const { file, plan } = both()
  await plan.update(() => aRecord({ accessToken: '', refreshToken: undefined, refreshFailed: 'f' }))
  expect(JSON.parse(readFileSync(file, 'utf8')).codex_plan).not.toHaveProperty('access_token')
  expect(plan.read().record).toMatchObject({ accessToken: '', refreshFailed: 'f' })
})

test('one without tokens that does not say it is over is damaged', () => {
  const { file, plan } = both()
  writeFileSync(file, '{"codex_plan":{"issued_client_id":"x"}}')
  expect(() => plan.read()).toThrow(/no access_token/)
})

test('what belongs to others in a Codex record is not taken for ours', () => {
  const context = { file: 'x', now: Date.now(), open: () => ({ text: '' }) }
  const record = recordIn('{"codex":{"access_token":"a","scope":"openid","client_id":"c"}}', context)
  expect(record).toMatchObject({ scope: undefined, clientId: undefined })
})
