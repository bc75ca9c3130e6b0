import { answer } from '../test/support/fake-sse.ts'
import { ANSWER, type Stage, slowly } from './demo-stage.ts'

/** The route of the Codex client, from the sign-in to the sign-out. */
export async function playCodex(stage: Stage): Promise<void> {
  await signIn(stage)
  await ask(stage)
  await showFile(stage)
  await talk(stage)
  await collect(stage)
  await look(stage)
  await renew(stage)
  await signOut(stage)
}

async function signIn({ fake, step, show, check, call }: Stage): Promise<void> {
  step('Sign in: a browser follows the address, agrees, and is sent back')
  const opened = await call('codex_login')
  show(opened.data.message)
  check('the address is in the result, and the sign-in waits', opened.data.status === 'pending')
  const page = await fake.browser(String(opened.data.url))
  check('the browser is told so, after the tokens are stored', page.body.includes('You are signed in'))
  const login = await call('codex_login')
  show(login.data.message)
  check('signed in', login.data.status === 'authenticated')
}

async function ask({ fake, step, show, check, call }: Stage): Promise<void> {
  step('Ask')
  fake.script.responses.push({ sse: slowly('gpt-6.1-sol') })
  const first = await call('codex_query', { prompt: 'Why might a Map be slower than an object?' })
  show(first.text)
  check(
    'the answer is complete and says where it comes from',
    first.text.startsWith(ANSWER) && first.text.includes('Codex ('),
  )
}

async function showFile({ fake, step, show, check, call }: Stage): Promise<void> {
  step('Ask about a file, which the server reads itself')
  fake.script.responses.push({ sse: answer('total([]) throws: reduce needs a first value.') })
  const about = await call('codex_query', { prompt: 'What is wrong here?', files: ['*.ts'] })
  show(about.text)
  check(
    'it was sent, and the answer says so',
    asked(fake).includes('prices.reduce') && about.text.includes('cart.ts ('),
  )
  const secret = await call('codex_query', { prompt: 'And here?', files: ['.env'] })
  show(secret.text)
  check(
    'a file with secrets is refused, with the reason',
    secret.isError && secret.text.includes('never sent') && !asked(fake).includes('SHOP_PASSWORD'),
  )
}

async function talk({ fake, step, show, check, call }: Stage): Promise<void> {
  step('Begin a conversation, and go on with it')
  const conversation = 'shopping cart'
  fake.script.responses.push({ sse: answer('Begin the sum at 0.') }, { sse: answer('Then the total of nothing is 0.') })
  await call('codex_query', { prompt: 'How would you mend it?', conversation })
  const second = await call('codex_query', { prompt: 'And then?', conversation })
  show(second.text)
  check('Codex is told what was said before', asked(fake).includes('Begin the sum at 0.'))
  const status = await call('codex_status')
  const [kept] = status.data.conversations as { name: string; turns: number }[]
  check('it is listed', kept?.name === conversation && kept.turns === 2)
}

async function collect({ fake, step, show, check, call }: Stage): Promise<void> {
  step('Do not wait: the answer is collected later')
  fake.script.responses.push({ sse: slowly('gpt-6.1-sol') })
  const begun = await call('codex_query', { prompt: 'Why might a Map be slower?', background: true })
  show(begun.text)
  const [id = ''] = /a-\w{10}/.exec(begun.text) ?? []
  const collected = await call('codex_query', { collect: id })
  show(collected.text)
  check('the whole answer, under its id', collected.text.startsWith(ANSWER) && collected.text.includes(id))
  const again = await call('codex_query', { collect: id })
  check('and once more, without asking anybody', again.text === collected.text)
}

async function look({ step, show, check, call }: Stage): Promise<void> {
  step('Status and models')
  const status = await call('codex_status')
  show(status.data.message)
  check('authenticated', status.data.status === 'authenticated' && status.data.plan === 'pro')
  const models = await call('codex_models')
  show((models.data.models as string[]).join(', '))
  check(`the default is ${models.data.default}`, (models.data.models as string[])[0] === models.data.default)
}

async function renew({ fake, step, show, check, call, expire }: Stage): Promise<void> {
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
}

async function signOut({ step, show, check, call, stored }: Stage): Promise<void> {
  step('Sign out')
  const cleared = await call('codex_clear')
  show(cleared.data.message)
  check(
    'removed here and revoked there',
    cleared.data.cleared === true && cleared.data.revoked === true && stored().codex === undefined,
  )
}

/** The last question that was asked, as it arrived. */
function asked({ seen }: Stage['fake']): string {
  return seen.requests.findLast(({ path }) => path.endsWith('/responses'))?.text ?? ''
}
