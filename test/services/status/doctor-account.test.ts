import { describe, expect, test } from 'vitest'
import { seal, startDoctorBench } from '../../support/doctor-bench.ts'
import { lost } from '../../support/fake-script.ts'

const TOKEN = '/oauth/token'
const SIGN_IN = ' → Sign in: codex_login, or `codex-oauth-mcp login` in a terminal.'
const seconds = (agoS: number) => Math.floor(Date.now() / 1000) - agoS

describe('the sign-in', () => {
  test('is fresh', async () => {
    const bench = await startDoctorBench()
    bench.signIn(3600, { refreshed_at: seconds(185) })
    expect(await bench.lines('sign-in')).toEqual([
      'ok: The access token is 3 minutes old and is good for another 59 minutes. It is renewed by itself.',
    ])
    expect(bench.fake.seen.counts[TOKEN]).toBeUndefined()
  })

  test('says nothing of an age that cannot be', async () => {
    const bench = await startDoctorBench()
    bench.signIn(3600, { refreshed_at: undefined, saved_at: seconds(-600) })
    expect((await bench.lines('sign-in'))[0]).toMatch(/^ok: The access token is good for another/)
  })

  test.each([-10, 100])('is due (%i s left) and gets renewed', async (leftS) => {
    const bench = await startDoctorBench()
    bench.signIn(leftS)
    expect((await bench.lines('sign-in'))[0]).toMatch(
      /^ok: A renewal was due and went well\. The access token is \d+ seconds? old and is good for another (?:59|60) minutes\.$/,
    )
    expect(bench.fake.seen.grants).toEqual(['refresh_token'])
    expect(bench.fake.seen.refreshReasons).toEqual(['proactive_expiry'])
    expect(await bench.lines('claims')).toEqual(['ok: No renewal is under way.'])
  })

  test('is due, but the service is in trouble: still good is a warning, else a problem', async () => {
    const bench = await startDoctorBench()
    bench.fake.script.token.always({ status: 503, json: {} })
    const words = 'A renewal was due and failed: The sign-in could not be renewed (the service answered 503).'
    bench.signIn(100)
    expect((await bench.lines('sign-in'))[0]).toMatch(
      /^warning: The access token is \d+ seconds? old and is good for another \d+ seconds\./,
    )
    bench.signIn(-10)
    const [line = ''] = await bench.lines('sign-in')
    expect(line).toMatch(/^problem: The access token is \d+ seconds? old and has expired\./)
    expect(line).toContain(`${words} [TOKEN_REQUEST_FAILED] → You are still signed in. Try again in a moment.`)
  })

  test('is due, and the connection breaks', async () => {
    const bench = await startDoctorBench()
    bench.signIn(-10)
    bench.fake.script.token.push(lost)
    expect((await bench.lines('sign-in'))[0]).toMatch(/^problem: .*\[NETWORK\] → /)
  })

  test('is dead at the service', async () => {
    const bench = await startDoctorBench()
    bench.signIn(100)
    bench.fake.expireRefreshTokens()
    expect((await bench.lines('sign-in'))[0]).toMatch(/^problem: .*\[NOT_AUTHENTICATED\] → .*codex_login/)
    // From now on that is known, and nobody is asked again.
    expect((await bench.lines('sign-in'))[0]).toMatch(
      /^warning: .*good for another .*can no longer be renewed\. → Sign in/,
    )
    expect(bench.fake.seen.counts[TOKEN]).toBe(1)
  })

  test('has nothing to be renewed with', async () => {
    const bench = await startDoctorBench()
    bench.signIn(3600, { refresh_token: undefined })
    const [line = ''] = await bench.lines('sign-in')
    expect(line).toMatch(/^warning: .*good for another .* It can no longer be renewed\./)
    expect(line.endsWith(SIGN_IN)).toBe(true)
    bench.signIn(-10, { refresh_token: undefined })
    expect((await bench.lines('sign-in'))[0]).toMatch(/^problem: .*has expired\. It can no longer be renewed\./)
  })

  test('is a stored key, which does not run out', async () => {
    const bench = await startDoctorBench()
    bench.signIn(-10, { method: 'api_key', refresh_token: undefined })
    expect(await bench.lines('sign-in')).toEqual(['skipped: An API key is stored, which does not run out by itself.'])
    expect(await bench.lines('account')).toEqual(['skipped: An API key belongs to no ChatGPT account.'])
  })
})

test('a sign-in that cannot be opened is one, with the reason and what to do', async () => {
  const bench = await startDoctorBench({ env: { CODEX_API_KEY: 'sk-FAKE-0001' } })
  await seal(bench)
  const words = 'The stored sign-in is encrypted with a passphrase, and CODEX_OAUTH_PASSPHRASE is not set here.'
  const remedy = 'Set it and restart, or sign in again.'
  expect(await bench.lines('sign-in')).toEqual([`problem: ${words} → ${remedy}`])
  expect(await bench.lines('account')).toEqual(['skipped: The stored sign-in cannot be opened.'])
  expect(await bench.lines('credential')).toEqual([`problem: ${words} [STORAGE_SEALED] → ${remedy}`])
})

describe('the account', () => {
  test('is shown with its e-mail address masked', async () => {
    const bench = await startDoctorBench()
    bench.signIn()
    expect(await bench.lines('account')).toEqual(['ok: Signed in as p…n@example.com, plan pro.'])
  })

  test('is not named by the tokens', async () => {
    const bench = await startDoctorBench()
    bench.signIn(3600, { access_token: 'FAKE-opaque', id_token: undefined, account_id: undefined })
    expect(await bench.lines('account')).toEqual([
      `warning: Signed in as an account without e-mail, plan unknown. The sign-in names no ChatGPT account, so questions may be refused.${SIGN_IN}`,
    ])
  })
})

describe('the credential', () => {
  test('is the sign-in', async () => {
    const bench = await startDoctorBench({ env: { CODEX_API_KEY: 'sk-FAKE-0001' } })
    bench.signIn()
    expect(await bench.lines('credential')).toEqual(['ok: Questions are asked with: ChatGPT pro plan.'])
  })

  test('is the key of the environment, by the name of its variable', async () => {
    const bench = await startDoctorBench({ env: { OPENAI_API_KEY: 'sk-FAKE-0001' } })
    const [line = ''] = await bench.lines('credential')
    expect(line).toMatch(/^ok: Questions are asked with: API key from OPENAI_API_KEY/)
    expect(line).not.toContain('FAKE')
  })

  test('is a key that makes no sense', async () => {
    const bench = await startDoctorBench({ env: { CODEX_API_KEY: 'sk FAKE' } })
    expect((await bench.lines('credential'))[0]).toMatch(
      /^problem: .*CODEX_API_KEY is not an API key.*\[CONFIG_INVALID\] → /,
    )
  })

  test('is not there', async () => {
    expect((await (await startDoctorBench()).lines('credential'))[0]).toMatch(/^problem: .*\[NOT_AUTHENTICATED\] → /)
  })
})

describe('the models', () => {
  test('come from the service, then from the copy', async () => {
    const bench = await startDoctorBench()
    bench.signIn()
    const [live = ''] = await bench.lines('models')
    expect(live).toMatch(/^ok: [1-9]\d* models, fresh from the service\.$/)
    expect(await bench.lines('models')).toEqual([
      live.replace('fresh from the service', 'from the copy on this machine'),
    ])
  })

  test('cannot be had', async () => {
    const bench = await startDoctorBench()
    bench.signIn()
    bench.fake.script.models.always({ status: 500, json: {} })
    expect((await bench.lines('models'))[0]).toMatch(/^warning: \d+ models, built into this program\. → The list/)
  })

  test('do not include the one that is set', async () => {
    const bench = await startDoctorBench({ env: { CODEX_OAUTH_MODEL: 'gpt-none' } })
    bench.signIn()
    expect((await bench.lines('models'))[0]).toMatch(
      /^warning: .*CODEX_OAUTH_MODEL is gpt-none, which is not among them\. → Choose/,
    )
  })

  test('are not asked for without a credential', async () => {
    const bench = await startDoctorBench()
    expect(await bench.lines('models')).toEqual(['skipped: Without a credential there is no list to ask for.'])
  })
})
