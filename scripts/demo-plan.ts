import { readFileSync } from 'node:fs'
import { planFailure } from '../test/support/fake-plan-stream.ts'
import { ANSWER, type Stage, slowly } from './demo-stage.ts'

const USING_PLAN = 'Using ChatGPT plan. Manage usage: https://chatgpt.com/settings/usage'

/** "Continue with ChatGPT", from the registration to the second sign-in, which is one click. */
export async function playPlan(stage: Stage): Promise<void> {
  await signIn(stage)
  await ask(stage)
  await look(stage)
  await renew(stage)
  await reachLimit(stage)
  await signOutAndIn(stage)
  const { fake, check } = stage
  check('no token of one route was ever shown to the other', fake.plan.crossings.length === 0)
}

async function signIn({ fake, step, show, check, call }: Stage): Promise<void> {
  step('Continue with ChatGPT: a browser follows the address, agrees, and is sent back')
  const opened = await call('codex_login', { route: 'plan' })
  show(opened.data.message)
  check('the address is in the result, and the sign-in waits', opened.data.status === 'pending')
  const page = await fake.browser(String(opened.data.url))
  check('the browser is told so, after the tokens are stored', page.body.includes('You are signed in'))
  const login = await call('codex_login')
  show(login.data.message)
  check('signed in', login.data.status === 'authenticated' && login.data.route === 'plan')
  check('told once that the plan is in use', String(login.data.message).includes('Your ChatGPT plan is in use'))
  const [first] = fake.plan.seen.authorizations
  check('registered under its own name', first?.agent_name_hint === 'codex-oauth' && registrations(fake) === 1)
}

async function ask({ fake, step, show, check, call }: Stage): Promise<void> {
  step('Ask')
  fake.plan.script.responses.push({ bytes: slowly('gpt-6-astra') })
  const answer = await call('codex_query', { prompt: 'Why might a Map be slower than an object?' })
  show(answer.text)
  check(
    'the answer is complete and says what pays',
    answer.text.startsWith(ANSWER) && answer.text.includes('ChatGPT plan usage'),
  )
}

async function look({ step, show, check, call }: Stage): Promise<void> {
  step('Status and models')
  const status = await call('codex_status')
  show(status.data.message)
  check('authenticated', status.data.status === 'authenticated' && status.data.method === 'chatgpt_plan')
  check('it says what pays and where that is managed', String(status.data.message).includes(USING_PLAN))
  const models = await call('codex_models')
  show((models.data.models as string[]).join(', '))
  show(models.data.usage)
  check('so does the list of models', models.data.usage === USING_PLAN)
  check(`the default is ${models.data.default}`, (models.data.models as string[])[0] === models.data.default)
}

async function renew({ fake, step, show, check, call, expire }: Stage): Promise<void> {
  step('An hour later: the access token has expired')
  expire('codex_plan')
  fake.plan.expireAccessTokens()
  const expired = await call('codex_status')
  show(expired.data.message)
  check('status says so', expired.data.status === 'expired')
  const later = await call('codex_query', { prompt: 'And now?' })
  show(later.text)
  const refreshes = fake.seen.requests.map(({ text }) => new URLSearchParams(text)).filter(isRefresh)
  check('renewed without a word, with one refresh', !later.isError && refreshes.length === 1)
  const resource = refreshes[0]?.get('resource')
  check('a form that names the resource', resource === 'https://api.openai.com/v1')
  check('no refresh token was used twice', fake.plan.seen.reuses === 0)
}

async function reachLimit({ fake, step, show, check, call }: Stage): Promise<void> {
  step('A limit is reached in the middle of an answer')
  fake.plan.script.responses.push(planFailure({ text: 'A Map keeps its' }))
  const asked = asksIn(fake)
  const refused = await call('codex_query', { prompt: 'One more?' })
  show(refused.text)
  check(
    'what came is shown, with why that is not all, and where usage is managed',
    refused.text.startsWith('A Map keeps its\nINCOMPLETE ANSWER:') &&
      refused.text.includes('Manage usage: https://') &&
      refused.text.includes('[USAGE_LIMIT]'),
  )
  check('asked once, and nothing else in its place', asksIn(fake) === asked + 1)
}

async function signOutAndIn({ fake, folder, step, show, check, call, stored }: Stage): Promise<void> {
  step('Sign out: the registration stays')
  const cleared = await call('codex_clear')
  show(cleared.data.message)
  check(
    'removed here and revoked there',
    cleared.data.cleared === true && cleared.data.revoked === true && stored().codex_plan === undefined,
  )
  const registration = JSON.parse(readFileSync(`${folder}/codex-oauth/plan-registration.json`, 'utf8'))
  const { clientId } = fake.plan.registrations[0] ?? {}
  check('the registration is kept', registration.current.client_id === clientId)

  step('Sign in again: one click')
  const opened = await call('codex_login', { route: 'plan' })
  await fake.browser(String(opened.data.url))
  const login = await call('codex_login')
  show(login.data.message)
  const last = fake.plan.seen.authorizations.at(-1)
  const isKnown = last?.client_id === clientId && last?.prompt === undefined
  check('under the same registration', login.data.status === 'authenticated' && isKnown && registrations(fake) === 1)
  check('what was told once is not told again', !String(login.data.message).includes('Your ChatGPT plan is in use'))
}

function registrations({ plan }: Stage['fake']): number {
  return plan.registrations.length
}

function isRefresh(form: URLSearchParams): boolean {
  return form.get('grant_type') === 'refresh_token'
}

/** Questions to any service. */
function asksIn({ seen }: Stage['fake']): number {
  return seen.requests.filter(({ method, path }) => method === 'POST' && path.endsWith('/responses')).length
}
