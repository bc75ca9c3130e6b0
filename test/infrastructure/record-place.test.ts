import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { CODEX_PLACE, recordIn } from '../../src/infrastructure/token-record.ts'
import { createCredentialsSnapshots, createTokenStorage } from '../../src/infrastructure/token-storage.ts'
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
  const context = { path: () => 'x', now: Date.now(), open: () => ({ text: '' }) }
  const record = recordIn('{"codex":{"access_token":"a","scope":"openid","client_id":"c"}}', context)
  expect(record).toMatchObject({ scope: undefined, clientId: undefined })
})

describe('one snapshot of the file tells of both records what reading it anew tells:', () => {
  const codex = '"access_token":"one","refresh_token":"r","expires_at":1790000000'
  test.each([
    ['no file', undefined],
    ['none of them', '{"other":{"access_token":"x"}}'],
    ['one, beside what belongs to others', `{"other":{"access_token":"x"},"codex":{${codex}}}`],
    ['both', `{"codex":{${codex}},"codex_plan":{"access_token":"two"}}`],
    ['an old one', `{"openai_codex":{${codex}}}`],
    ['one that nobody can open', '{"codex":{"sealed":"x"},"codex_plan":{"access_token":"two"}}'],
    ['one that is damaged', `{"codex":{${codex}},"codex_plan":{"access_token":1}}`],
    ['one that is no object', '{"codex":7}'],
    ['no JSON', '{"codex"'],
    ['no object', '[]'],
  ])('%s', (_, text) => {
    const { file, codex, plan } = both()
    if (text !== undefined) writeFileSync(file, text, { mode: 0o600 })
    const snapshot = createCredentialsSnapshots(file, [CODEX_PLACE, PLACE])()
    for (const storage of [codex, plan]) {
      const outcome = (read: () => unknown) => {
        try {
          return read()
        } catch (error) {
          return error
        }
      }
      expect(outcome(() => storage.read(snapshot))).toEqual(outcome(() => storage.read()))
    }
  })

  test('with the same warnings', () => {
    const { file, codex } = both()
    writeFileSync(file, '{}')
    chmodSync(file, 0o644)
    const { warnings } = codex.read(createCredentialsSnapshots(file, [CODEX_PLACE])())
    expect(warnings).toEqual(codex.read().warnings)
  })
})

test('a snapshot keeps nothing of what belongs to others', () => {
  const { file } = both()
  writeFileSync(file, '{"other":{"access_token":"x"},"codex":{"access_token":"one"}}')
  expect(createCredentialsSnapshots(file, [CODEX_PLACE, PLACE])().value).toEqual({ codex: { access_token: 'one' } })
})
