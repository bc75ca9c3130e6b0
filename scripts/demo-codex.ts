import { ANSWER, type Stage, slowly } from './demo-stage.ts'

/** The route of the Codex client, from the sign-in to the sign-out. */
export async function playCodex({ fake, step, show, check, call, stored, expire }: Stage): Promise<void> {
  step('Sign in: a browser follows the address, agrees, and is sent back')
  const opened = await call('codex_login')
  show(opened.data.message)
  check('the address is in the result, and the sign-in waits', opened.data.status === 'pending')
  const page = await fake.browser(String(opened.data.url))
  check('the browser is told so, after the tokens are stored', page.body.includes('You are signed in'))
  const login = await call('codex_login')
  show(login.data.message)
  check('signed in', login.data.status === 'authenticated')

  step('Ask')
  fake.script.responses.push({ sse: slowly('gpt-6.1-sol') })
  const answer = await call('codex_query', { prompt: 'Why might a Map be slower than an object?' })
  show(answer.text)
  check(
    'the answer is complete and says where it comes from',
    answer.text.startsWith(ANSWER) && answer.text.includes('Codex ('),
  )

  step('Status and models')
  const status = await call('codex_status')
  show(status.data.message)
  check('authenticated', status.data.status === 'authenticated' && status.data.plan === 'pro')
  const models = await call('codex_models')
  show((models.data.models as string[]).join(', '))
  check(`the default is ${models.data.default}`, (models.data.models as string[])[0] === models.data.default)

  step('An hour later: the access token has expired')
  expire('codex')
  fake.expireAccessTokens()
  const expired = await call('codex_status')
  show(expired.data.message)
  check('status says so', expired.data.status === 'expired')
  const later = await call('codex_query', { prompt: 'And now?' })
  show(later.text)
  check(
    'renewed without a word, with one refresh',
    !later.isError && fake.seen.grants.filter((grant) => grant === 'refresh_token').length === 1,
  )
  check('no refresh token was used twice', fake.seen.reuses === 0)

  step('Sign out')
  const cleared = await call('codex_clear')
  show(cleared.data.message)
  check(
    'removed here and revoked there',
    cleared.data.cleared === true && cleared.data.revoked === true && stored().codex === undefined,
  )
}
