import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { ask } from './support/asking-app.ts'
import { startBuiltServer } from './support/built-server.ts'
import { startConnectProxy } from './support/connect-proxy.ts'
import type { BrowserOptions, BrowserVisit } from './support/fake-browser.ts'
import { type FakeOpenAI, startFakeOpenAI } from './support/fake-openai.ts'
import { planAnswer, planFailure, planStream } from './support/fake-plan-stream.ts'
import type { SeenRequest } from './support/fake-request.ts'
import { changed, gate, late, lost, parts, type Step } from './support/fake-script.ts'
import { answer } from './support/fake-sse.ts'
import { freePorts } from './support/free-ports.ts'
import { planRecordOf, seedLogins } from './support/plan-app.ts'
import { recordOf, type StartedApp, startApp } from './support/start-app.ts'
import { tempFolder } from './support/temp-folder.ts'

const PROMPT = 'CANARY-prompt-41d7'
const SYSTEM_PROMPT = 'CANARY-system-41d7'
const ANSWER = 'CANARY-answer-41d7 and some more words of it'
const API_KEY = 'sk-CANARY-41d7-api-key'
const question = { prompt: PROMPT, system_prompt: SYSTEM_PROMPT, model: 'gpt-5.5', temperature: 0.5 }

/** What a question sends beside its prompt, and what it must not send. */
const PROJECT = { 'notes.md': 'CANARY-file-41d7\n', '.env': 'KEY=sk-CANARY-env-41d7\n' }

/** What is said, by whichever side. It is kept, for its owner alone, and shown to who asked; nowhere else. */
const WORDS = ['CANARY-prompt', 'CANARY-answer', 'CANARY-file']
/** How every token of the fake begins or ends: a part of one is found by these, too. */
const MARKS = [
  ...['eyJhbGci', 'rt_FAKE', 'ac_FAKE', 'sk-CANARY', 'CANARY-system', ...WORDS],
  // Whose login it is may be told, but not so that others could write to them.
  'person@example.com',
]

/** What may stand in a place, of all that is looked for. */
const MAY_STAND: Readonly<Record<string, (secret: string) => boolean>> = {
  credentials: (secret) => !/CANARY|ac_/.test(secret) || !MARKS.includes(secret),
  'kept words': (secret) => WORDS.includes(secret),
  // It lists the first words of questions.
  'result of codex_status': (secret) => secret === 'CANARY-prompt',
}

/** Everything that comes out of the program, by where it came out. */
interface World {
  fake: FakeOpenAI
  app: StartedApp
  /** Calls a tool; what it answers and reports is taken down. The answer of a question is not: it is meant to be seen. */
  call(name: string, args?: Record<string, unknown>): Promise<void>
  signIn(args?: Record<string, unknown>, browser?: BrowserOptions): Promise<void>
  /** Visits the address of the sign-in that was begun last. */
  visit(browser?: BrowserOptions): Promise<void>
  /** The address at which the browser would end. */
  redirect(): Promise<string>
  /** Begins a sign-in and leaves it open; `ended` resolves when its call has been answered. */
  begin(args?: Record<string, unknown>): Promise<{ ended: Promise<void> }>
  seed(expiresInSeconds?: number): void
  /** The same for plan usage; nothing else is stored then. */
  seedPlan(expiresInSeconds?: number): void
  ask(more?: Record<string, unknown>): Promise<void>
  /** Asks, and leaves with this reason when half of the answer has come. */
  askAndLeave(reason: string): Promise<void>
  /** Collects every answer that is listed. */
  collectAll(): Promise<void>
}

interface Leak {
  where: string
  secret: string
}

type Env = Record<string, string>

async function watch(options: { env?: Env | ((fake: FakeOpenAI) => Env); fetch?: typeof fetch } = {}) {
  const fake = await startFakeOpenAI({ reply: ANSWER, apiKey: API_KEY, deviceInterval: 1 })
  onTestFinished(() => fake.close())
  const home = tempFolder()
  for (const [name, text] of Object.entries(PROJECT)) writeFileSync(join(home, name), text)
  const edges = options.fetch === undefined ? {} : { fetch: options.fetch }
  const env = typeof options.env === 'function' ? options.env(fake) : options.env
  const app = await startApp(fake, { home, env: { CODEX_DEBUG: '1', ...env }, edges })
  const seen: { where: string; text: string }[] = []
  const urls = new Set<string>()
  const note = (where: string, text: string) => {
    for (const url of text.match(/http:\/\/127\.0\.0\.1:\d+\/(?:oauth|api\/accounts)\/authorize\?[^\s"\\]+/g) ?? [])
      urls.add(url)
    seen.push({ where, text })
  }
  const notePage = ({ status, headers, body }: BrowserVisit) =>
    note('page', `${status} ${JSON.stringify([...headers])} ${body}`)

  const world: World = {
    fake,
    app,
    async call(name, args = {}) {
      const onprogress = ({ message = '' }) => note(`progress of ${name}`, message)
      const request = { name, arguments: args }
      const result = await app.client.callTool(request, undefined, { onprogress }).catch((error: Error) => ({
        isError: true,
        content: [{ text: `${error.message} ${JSON.stringify(error)}` }],
      }))
      const isAnswer = name === 'codex_query' && result.isError !== true
      const shown = isAnswer ? { ...result, content: (result.content as unknown[]).slice(1) } : result
      note(`result of ${name}`, JSON.stringify(shown))
    },
    async begin(args) {
      const before = urls.size
      const ended = world.call('codex_login', args)
      while (urls.size === before) await setImmediate()
      return { ended }
    },
    async visit(browser) {
      notePage(await fake.browser([...urls].at(-1) ?? '', browser))
    },
    async redirect() {
      const answer = await fetch([...urls].at(-1) ?? '', { redirect: 'manual' })
      return answer.headers.get('location') ?? ''
    },
    async signIn(args, browser) {
      const { ended } = await world.begin(args)
      await world.visit(browser)
      await ended
    },
    seed: (expiresInSeconds = 3600) => app.seed(recordOf(fake.issueTokens({ expiresInSeconds }), expiresInSeconds)),
    seedPlan: (expiresInSeconds = 3600) => {
      const issued = fake.plan.issueTokens({ expiresInSeconds })
      seedLogins(app, { codex_plan: planRecordOf(issued, expiresInSeconds) })
    },
    ask: (more = {}) => world.call('codex_query', { ...question, ...more }),
    async askAndLeave(reason) {
      const { promise, open } = gate()
      const [half, rest] = [answer(ANSWER, { end: 'cut', items: false }), answer(ANSWER)]
      fake.script.responses.push({ sse: parts(half, promise, rest) })
      const leaving = new AbortController()
      const { outcome, said, hears } = ask(app, question, { signal: leaving.signal })
      await hears('writing')
      leaving.abort(reason)
      // What its own client makes of that is no business of ours.
      await outcome.catch(() => {})
      open()
      note('progress of codex_query', said.join())
    },
    async collectAll() {
      const { data } = await app.call('codex_status')
      for (const { id } of data.answers ?? []) await world.call('codex_query', { collect: id })
    },
  }

  /** Where a secret can be read that should not be. */
  function leaks(): Leak[] {
    const places = [...seen, ...app.logged.map((text) => ({ where: 'log', text })), ...filesOf(home)]
    const mayBeSeen = [...urls]
    const secrets = [...fake.secrets(), ...MARKS]
    return places.flatMap(({ where, text }) => {
      const rest = mayBeSeen.reduce((left, url) => left.replaceAll(url, '<sign-in address>'), text)
      const found = secrets.filter((secret) => MAY_STAND[where]?.(secret) !== true)
      return found.filter((secret) => rest.includes(secret)).map((secret) => ({ where: `${where}: ${rest}`, secret }))
    })
  }
  return { ...world, note, leaks, seen }
}

/** Names and contents of all files below the home but the project's own, by what may stand in them. */
function filesOf(home: string): { where: string; text: string }[] {
  return readdirSync(home, { recursive: true, encoding: 'utf8' }).flatMap((name) => {
    const path = join(home, name)
    if (name in PROJECT) return []
    if (!existsSync(path) || !statSync(path).isFile()) return [{ where: 'folder', text: name }]
    const where = kindOf(name, statSync(path).mode)
    return [{ where, text: `${where === 'credentials' ? '' : name} ${readFileSync(path, 'utf8')}` }]
  })
}

function kindOf(name: string, mode: number): string {
  if (name === join('.claude', 'auth.json')) return 'credentials'
  const isKept = /^\.claude\/codex-oauth\/(answers|conversations)\//.test(name)
  return isKept && (mode & 0o777) === 0o600 ? 'kept words' : 'file'
}

/** The far side repeats what it was sent, as a badly made error message would. */
const echo =
  (
    status: number,
    shape: (words: string) => object = (words) => ({ error: 'server_error', error_description: words }),
  ): Step =>
  (usual, request) => {
    usual()
    return { status, json: shape(sentWith(request)) }
  }

/** Everything of a request that is a credential; the prompt is no secret to who wrote it. */
function sentWith({ headers, path, text }: SeenRequest): string {
  return path.endsWith('/responses')
    ? `You sent ${headers.authorization}`
    : `You sent ${text} ${headers.authorization ?? ''}`
}

const detail = (words: string) => ({ detail: words })
const error = (words: string) => ({ error: { message: words, type: 'invalid_request_error', code: null } })

const PLAN = { route: 'plan' }
/** Where a code belongs stands what was sent: the first word of it that is a token. */
const tokenIn = (words: string) => /(?:eyJ|rt_|ac_)[\w.-]+/.exec(words)?.[0]?.slice(0, 80)
const asCode = (words: string) => ({ error: tokenIn(words), error_description: words })
const asReason = (words: string) => ({ error: 'server_error', error_reason: tokenIn(words) })
const asParam = (words: string) => ({ error: { code: 'unsupported_value', param: tokenIn(words), message: words } })

describe('no secret leaves the program', () => {
  const flows: [string, (world: World) => Promise<void>][] = [
    [
      'a sign-in with everything around it',
      async ({ call, begin, visit }) => {
        const { ended } = await begin()
        await call('codex_status')
        await visit({ edit: ({ searchParams }) => searchParams.set('state', 'wrong') })
        await visit({ edit: ({ searchParams }) => searchParams.append('code', 'ac_FAKE_0') })
        await visit()
        await ended
        await call('codex_status')
        await call('codex_login')
        await call('codex_models')
        await call('codex_clear')
      },
    ],
    [
      'a device sign-in: polled, refused with an echo, cleared, and done',
      async ({ fake, call }) => {
        fake.script.deviceToken.push(echo(403, error), echo(400, error))
        await call('codex_login', { method: 'device' })
        await call('codex_status')
        await call('codex_login')
        await call('codex_status')
        await call('codex_login', { method: 'device' })
        await call('codex_clear')
        fake.script.deviceCode.push(echo(400, error), echo(500), { json: { device_auth_id: 'deviceauth_FAKE_0' } })
        for (let turn = 0; turn < 3; turn += 1) await call('codex_login', { method: 'device' })
        await call('codex_login', { method: 'device' })
        fake.approveDevice()
        await call('codex_login')
        await call('codex_status')
      },
    ],
    [
      'a pasted address: of something else, with a wrong state, refused with an echo, and good',
      async ({ fake, call, begin, redirect }) => {
        for (const refused of [true, false]) {
          const { ended } = await begin({ force: true })
          const address = await redirect()
          await call('codex_login', { callback_url: `https://evil.example/?${address.split('?')[1]}` })
          await call('codex_login', { callback_url: `${address}x` })
          if (refused) fake.script.token.push(echo(400))
          await call('codex_login', { callback_url: address })
          await call('codex_login', { callback_url: address })
          await ended
        }
        await call('codex_status')
      },
    ],
    [
      'a sign-in that is refused in the browser',
      async ({ signIn, call }) => {
        await signIn({}, { deny: true })
        // The error description repeats the whole address.
        const edit = ({ searchParams, href }: URL) => searchParams.set('error_description', `Bad address ${href}`)
        await signIn({}, { deny: { error: 'server_error' }, edit })
        await call('codex_status')
      },
    ],
    [
      'a code that is refused with an echo',
      async ({ fake, signIn, call }) => {
        fake.script.token.push(echo(400), echo(400, error), echo(500, detail), {
          status: 400,
          html: '<h1>ac_FAKE_1</h1>',
        })
        for (let turn = 0; turn < 4; turn += 1) await signIn()
        await call('codex_status')
      },
    ],
    [
      'token answers that make no sense',
      async ({ fake, signIn, call }) => {
        fake.script.token.push(
          changed({ refresh_token: 'rt_FAKE bad' }),
          changed({ id_token: undefined }),
          changed({ access_token: 7 }),
          (usual) => ({ bytes: `${JSON.stringify(usual().json)}}` }),
          lost,
        )
        for (let turn = 0; turn < 5; turn += 1) await signIn()
        await call('codex_status')
      },
    ],
    [
      'a sign-in that is cancelled while its code is redeemed',
      async ({ fake, begin, visit, call }) => {
        const { promise, open } = gate()
        fake.script.token.push(late(promise))
        const { ended } = await begin()
        const page = visit().catch(() => {})
        await fake.arrival('/oauth/token')
        await call('codex_clear')
        open()
        await fake.arrival('/oauth/revoke')
        await Promise.all([ended, page])
      },
    ],
    [
      'a sign-in that cannot be stored',
      async ({ fake, app, signIn, call }) => {
        fake.script.token.push((usual) => {
          app.seed({ access_token: 7 })
          return usual()
        })
        await signIn()
        await call('codex_status')
      },
    ],
    [
      'questions, and a refresh in between',
      async ({ fake, seed, ask, call }) => {
        seed()
        await ask()
        fake.expireAccessTokens()
        await ask()
        fake.script.revoke.push(echo(400))
        await call('codex_clear')
      },
    ],
    [
      'arguments that are wrong',
      async ({ fake, call, app }) => {
        const [token = ''] = fake.secrets().length > 0 ? fake.secrets() : [fake.issueTokens().refresh_token]
        await call('codex_query', { prompt: PROMPT, temperature: PROMPT, [PROMPT]: 1 })
        await call('codex_query', { prompt: { token }, [token]: token })
        await call('codex_login', { force: token, [token]: PROMPT })
        await call(`tool-${token}`, { token })
        await app.client.request({ method: `x/${PROMPT}`, params: { token } }, {} as never).catch(() => {})
      },
    ],
    [
      'refreshes that fail',
      async ({ fake, seed, ask, call }) => {
        seed(-1)
        fake.script.token.push(echo(500))
        await ask()
        for (const step of [
          echo(400, error),
          echo(400),
          { reset: true } as const,
          { html: 'rt_FAKE' },
          changed({ access_token: 'a b' }),
        ]) {
          seed(-1)
          fake.script.token.push(step)
          await ask()
        }
        seed(-1)
        fake.expireRefreshTokens()
        await ask()
        await call('codex_status')
      },
    ],
    [
      'questions the service refuses with an echo',
      async ({ fake, seed, ask }) => {
        seed()
        for (const status of [400, 402, 403, 404, 413, 418, 429, 529]) {
          fake.script.responses.push(echo(status, detail), echo(status, error))
          await ask()
          await ask()
        }
      },
    ],
    [
      'tokens the service does not take',
      async ({ fake, seed, ask }) => {
        seed()
        fake.script.responses.push(echo(401, error), echo(401, error))
        await ask()
      },
    ],
    [
      'answers that break off, fail, or are none',
      async ({ fake, seed, ask }) => {
        seed()
        const failed = { code: 'server_error', message: 'Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.x rt_FAKE_f1_1' }
        fake.script.responses.push(
          { sse: answer(ANSWER, { end: 'cut' }) },
          { sse: answer(ANSWER, { end: 'cut', items: false }) },
          { sse: answer(ANSWER, { end: { incomplete: 'max_output_tokens' } }) },
          { sse: answer(ANSWER, { end: { failed } }) },
          { sse: answer(ANSWER), cutAfter: 900 },
          { html: `<p>${ANSWER}</p>` },
          { status: 403, html: `<p>${ANSWER}</p>`, headers: { 'cf-ray': '1' } },
          { status: 302, headers: { location: 'https://evil.example/' } },
          { reset: true },
        )
        while (fake.script.responses.left > 0) await ask()
      },
    ],
    [
      'questions with files and in a conversation, that go on in the background, are left and collected',
      async ({ fake, seed, ask, askAndLeave, collectAll, call }) => {
        seed()
        await ask({ files: ['notes.md'], conversation: 'sky' })
        await ask({ files: ['notes.md:1-1'], conversation: 'sky', background: true })
        for (const file of ['.env', 'none.md', `${API_KEY}.md`, '../x']) await ask({ files: [file] })
        fake.script.responses.push(
          { sse: answer(ANSWER, { end: 'cut', reasoning: '**Weighing it**' }) },
          { sse: answer(ANSWER), cutAfter: 1500 },
          echo(400, detail),
        )
        while (fake.script.responses.left > 0) await ask({ background: true, conversation: 'sky' }).then(collectAll)
        await askAndLeave('AbortError: the user stopped it')
        await askAndLeave(`Request timed out: ${PROMPT} ${API_KEY}`)
        await collectAll()
        for (const id of [PROMPT, 'a-0123456789', `a-0123456789@${API_KEY}`]) await call('codex_query', { collect: id })
        await call('codex_status')
        await call('codex_clear', { conversation: 'sky' })
      },
    ],
    [
      'usage that is asked, refused with an echo, and none',
      async ({ fake, seed, call }) => {
        seed()
        fake.script.usage.push(
          (usual) => usual(),
          ...[400, 401, 403, 404, 429, 500].flatMap((status) => [echo(status, detail), echo(status, error)]),
          (_usual, request) => ({ json: { plan_type: sentWith(request), rate_limit: sentWith(request) } }),
          { html: 'eyJhbGci' },
          { reset: true },
        )
        while (fake.script.usage.left > 0) await call('codex_status', { usage: true })
        await call('codex_status')
      },
    ],
    [
      'models that cannot be had',
      async ({ fake, seed, call }) => {
        seed()
        fake.script.models.push(echo(400, detail), { reset: true }, { html: 'eyJhbGci' })
        for (let turn = 0; turn < 4; turn += 1) await call('codex_models')
      },
    ],
    [
      'plan usage: a sign-in with everything around it',
      async ({ call, begin, visit }) => {
        const { ended } = await begin(PLAN)
        await call('codex_status')
        await visit({ edit: ({ searchParams }) => searchParams.set('state', 'wrong') })
        await visit({ edit: ({ searchParams }) => searchParams.append('code', 'ac_FAKE_0') })
        await visit()
        await ended
        for (const name of ['codex_status', 'codex_login', 'codex_models', 'codex_query']) {
          await call(name, name === 'codex_query' ? question : {})
        }
        const other = await begin({ route: 'codex' })
        await call('codex_clear')
        await other.ended
      },
    ],
    [
      'plan usage: a pasted address',
      async ({ fake, call, begin, redirect }) => {
        for (const refused of [true, false]) {
          const { ended } = await begin({ ...PLAN, force: true })
          const address = await redirect()
          await call('codex_login', { callback_url: `https://evil.example/?${address.split('?')[1]}` })
          await call('codex_login', { callback_url: `${address}x` })
          if (refused) fake.plan.script.token.push(echo(400))
          await call('codex_login', { callback_url: address })
          await call('codex_login', { callback_url: address })
          await ended
        }
        await call('codex_status')
      },
    ],
    [
      'plan usage: a sign-in that is refused in the browser, or comes back wrong',
      async ({ begin, visit, call }) => {
        const change = (name: string, value: (given: string) => string) => ({
          edit: ({ searchParams }: URL) => searchParams.set(name, value(searchParams.get('state') ?? '')),
        })
        for (const visitor of [
          { deny: true } as const,
          { deny: { error: 'server_error' }, ...change('error_description', (state) => `Bad ${state}`) },
          { deny: { error: 'x' }, ...change('error', (state) => state) },
          ...[() => 'dynamic_agent_client', () => 'no client!', (state: string) => state].map((value) =>
            change('client_id', value),
          ),
          { edit: ({ searchParams }: URL) => searchParams.delete('client_id') },
          change('iss', (state) => `https://evil.example/${state}`),
        ]) {
          const { ended } = await begin({ ...PLAN, force: true })
          await visit(visitor)
          await call('codex_status')
          await call('codex_clear')
          await ended
        }
      },
    ],
    [
      'plan usage: a code that is refused with an echo, and answers that make no sense',
      async ({ fake, signIn, call }) => {
        const { token } = fake.plan.script
        token.push(echo(400), echo(400, error), echo(500, detail), echo(400, asCode), echo(400, asReason))
        token.push({ status: 400, html: '<h1>ac_FAKE_plan_1</h1>' }, lost)
        token.push((usual) => ({ bytes: `${JSON.stringify(usual().json)}}` }))
        const wrong = {
          refresh_token: 'rt_FAKE bad',
          id_token: 7,
          access_token: 'a b',
          scope: 'openid',
          expires_in: 'rt_FAKE',
        }
        for (const [name, value] of Object.entries(wrong)) token.push(changed({ [name]: value }))
        while (token.left > 0) await signIn({ ...PLAN, force: true })
        await call('codex_status')
        await call('codex_query', question)
      },
    ],
    [
      'plan usage: an ID token that does not hold, or that nobody can check',
      async ({ fake, signIn, call }) => {
        for (const change of [
          ...['iss', 'aud', 'nonce', 'exp'].map((name) => ({ claims: { [name]: 'eyJhbGci' } })),
          ...['none', 'HS256'].map((alg) => ({ header: { alg } })),
          { header: { kid: 'eyJhbGci' } },
          { signedBy: 'stranger' } as const,
        ]) {
          fake.plan.nextIdToken(change)
          await signIn({ ...PLAN, force: true })
        }
        fake.plan.script.jwks.push(echo(500), { json: { keys: 'eyJhbGci' } })
        fake.plan.rotateKey()
        for (let turn = 0; turn < 2; turn += 1) await signIn({ ...PLAN, force: true })
        await call('codex_status')
      },
    ],
    [
      'plan usage: a sign-in without the plan, and one of somebody else',
      async ({ fake, signIn, ask, call }) => {
        fake.plan.declinePlanScope()
        await signIn(PLAN)
        await ask()
        await signIn({ ...PLAN, force: true })
        fake.plan.signInAs({ subject: 'user-FAKE-0002', email: 'other.person@example.com' })
        await signIn({ ...PLAN, force: true })
        await call('codex_status')
        await call('codex_models')
      },
    ],
    [
      'plan usage: refreshes that fail',
      async ({ fake, seedPlan, ask, call }) => {
        for (const step of [
          echo(500),
          echo(400, error),
          echo(400),
          echo(400, asCode),
          echo(400, asReason),
          echo(401, () => ({ error: 'invalid_client' })),
          { reset: true } as const,
          { html: 'rt_FAKE' },
          changed({ access_token: 'a b' }),
          changed({ id_token: 'eyJhbGci.bad' }),
          changed({ scope: 'openid' }),
        ]) {
          seedPlan(-1)
          fake.plan.script.token.push(step)
          await ask()
          await call('codex_status')
        }
        seedPlan(-1)
        fake.plan.expireRefreshTokens()
        await ask()
        await call('codex_status')
        await call('codex_clear')
      },
    ],
    [
      'plan usage: questions the service refuses with an echo',
      async ({ fake, seedPlan, ask }) => {
        seedPlan()
        for (const status of [400, 401, 402, 403, 404, 413, 418, 429]) {
          for (const shape of [detail, error, asCode, asReason, asParam]) {
            fake.plan.script.responses.always(echo(status, shape))
            await ask()
          }
          const withId: Step = (_, request) => ({
            status,
            headers: { 'x-request-id': `${request.headers.authorization}`.slice(7, 80) },
            json: {},
          })
          fake.plan.script.responses.always(withId)
          await ask()
        }
      },
    ],
    [
      'plan usage: answers that break off, fail, or are none',
      async ({ fake, seedPlan, ask }) => {
        seedPlan()
        const words = 'Bearer eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.x rt_FAKE_plan_f1_1'
        const failed = { code: 'server_error', message: words }
        fake.plan.script.responses.push(
          planAnswer(ANSWER, { end: 'cut' }),
          planAnswer(ANSWER, { end: 'cut', items: false }),
          planAnswer(ANSWER, { end: { incomplete: 'max_output_tokens' } }),
          planAnswer(ANSWER, { end: { failed } }),
          planAnswer(ANSWER, { end: { failed: { ...failed, code: 'rt_FAKE_plan_f1_1' } } }),
          planFailure({ text: ANSWER, code: 'rt_FAKE_plan_f1_1' }),
          planStream([{ type: 'error', detail: words }]),
          planAnswer(ANSWER, { contentType: 'application/json' }),
          { ...planAnswer(ANSWER), cutAfter: 900 },
          { html: `<p>${ANSWER}</p>` },
          { status: 403, html: `<p>${ANSWER}</p>`, headers: { 'cf-ray': '1' } },
          { status: 302, headers: { location: 'https://evil.example/' } },
          { reset: true },
        )
        while (fake.plan.script.responses.left > 0) await ask()
      },
    ],
    [
      'plan usage: models that cannot be had, and a sign-out nobody confirms',
      async ({ fake, seedPlan, call }) => {
        seedPlan()
        fake.plan.script.models.push(echo(400, detail), { reset: true }, { html: 'eyJhbGci' })
        for (let turn = 0; turn < 4; turn += 1) await call('codex_models')
        for (const step of [
          echo(400),
          echo(500),
          { html: 'rt_FAKE' },
          { status: 302, headers: { location: 'https://evil.example/' } },
        ]) {
          seedPlan()
          fake.plan.script.revoke.always(step)
          await call('codex_clear')
        }
        seedPlan()
        fake.plan.script.discovery.always(echo(500))
        await call('codex_clear')
      },
    ],
    [
      'plan usage: a credentials file that is damaged',
      async ({ fake, app, call, ask }) => {
        const { access_token, refresh_token } = fake.plan.issueTokens().tokens
        for (const record of [
          { access_token: `${access_token} `, refresh_token },
          [access_token],
          { access_token, expires_at: [refresh_token] },
          { access_token, issued_client_id: `${refresh_token} ` },
          { access_token, granted_scope: [refresh_token] },
        ]) {
          app.seed({})
          writeFileSync(app.credentialsFile, JSON.stringify({ codex_plan: record }))
          await call('codex_login', PLAN)
          for (const name of ['codex_status', 'codex_models', 'codex_clear']) await call(name)
          await ask()
        }
      },
    ],
    [
      'a credentials file that is damaged',
      async ({ fake, app, call, ask }) => {
        const { access_token, refresh_token } = fake.issueTokens()
        for (const text of [
          `{"codex":{"access_token":"${access_token}","refresh_token":"${refresh_token}"`,
          `{"codex":{"access_token":"${access_token} ","refresh_token":"${refresh_token}"}}`,
          `{"codex":["${access_token}"]}`,
          `{"codex":{"access_token":"${access_token}","expires_at":["${refresh_token}"]}}`,
        ]) {
          app.seed({})
          writeFileSync(app.credentialsFile, text)
          for (const name of ['codex_status', 'codex_login', 'codex_models', 'codex_clear']) await call(name)
          await ask()
        }
      },
    ],
  ]

  test.each(flows)('%s', async (_, flow) => {
    const world = await watch()
    await flow(world)
    expect(world.seen.length).toBeGreaterThan(0)
    expect(world.app.logged.length + world.seen.length).toBeGreaterThan(1)
    expect(world.leaks()).toEqual([])
  })

  test('an API key', async () => {
    const { fake, call, ask, leaks } = await watch({ env: { OPENAI_API_KEY: API_KEY } })
    await ask()
    fake.script.responses.push(echo(400, error), echo(401, error), echo(429, error), echo(500, error), { reset: true })
    while (fake.script.responses.left > 0) await ask()
    for (const name of ['codex_status', 'codex_models', 'codex_clear']) await call(name)
    expect(leaks()).toEqual([])
  })

  test('a stored API key', async () => {
    const { fake, app, begin, call, ask, leaks } = await watch()
    app.seed({ access_token: API_KEY, method: 'api_key' })
    await ask()
    fake.script.responses.push(echo(400, error), echo(401, error), echo(403, error), echo(429, error))
    while (fake.script.responses.left > 0) await ask()
    fake.script.models.push(echo(401, error), { html: API_KEY })
    for (const name of ['codex_status', 'codex_models', 'codex_models']) await call(name)
    const { ended } = await begin()
    // In the file it may stand, until it is cleared.
    await call('codex_clear')
    await ended
    expect(leaks()).toEqual([])
  })

  test('an access token from outside', async () => {
    const { fake, call, ask, leaks } = await watch({
      env: (issuer) => ({ CODEX_ACCESS_TOKEN: issuer.issueTokens().access_token }),
    })
    await ask()
    fake.script.responses.push(echo(400, detail), echo(401, error), echo(403, detail))
    while (fake.script.responses.left > 0) await ask()
    fake.expireAccessTokens()
    await ask()
    for (const name of ['codex_status', 'codex_models', 'codex_clear']) await call(name)
    expect(leaks()).toEqual([])
  })

  test('an API key that is none, and settings with secrets in them', async () => {
    const { call, ask, leaks } = await watch({
      env: { CODEX_API_KEY: `${API_KEY} x`, CODEX_OAUTH_BASE_URL: `https://user:${API_KEY}@example.com/` },
    })
    await ask()
    for (const name of ['codex_status', 'codex_login', 'codex_models', 'codex_clear']) await call(name)
    expect(leaks()).toEqual([])
  })

  test.each([407, 403, 502])('a proxy that answers %i: its password stays inside', async (status) => {
    const password = 'sk-CANARY-proxy-41d7'
    const proxy = await startConnectProxy({ status })
    const hosts = { CODEX_OAUTH_ISSUER: 'https://auth.example.com', CODEX_OAUTH_BASE_URL: 'https://codex.example.com' }
    const { seed, ask, call, leaks, seen, app } = await watch({
      env: { ...hosts, HTTPS_PROXY: `http://me:${password}@${proxy.address}` },
    })
    seed()
    await ask()
    seed(-1)
    await ask()
    for (const name of ['codex_models', 'codex_status', 'codex_clear']) await call(name)
    expect(new Set(proxy.targets)).toEqual(new Set(['auth.example.com:443', 'codex.example.com:443']))
    expect(leaks()).toEqual([])
    const all = [...seen.map(({ text }) => text), ...app.logged].join()
    expect(all).toContain('The proxy')
    expect(all).not.toContain(Buffer.from(`me:${password}`).toString('base64'))
  })

  test('a network whose errors quote what was sent', async () => {
    const failing: typeof fetch = async (url, init) => {
      throw Object.assign(new TypeError(`fetch failed: ${JSON.stringify(init)}`), {
        cause: new Error(`${url} ${init?.body}`),
      })
    }
    const { seed, ask, call, signIn, leaks } = await watch({ fetch: failing })
    seed()
    await ask()
    seed(-1)
    await ask()
    await signIn({ force: true })
    for (const name of ['codex_models', 'codex_status', 'codex_clear']) await call(name)
    expect(leaks()).toEqual([])
  })
})

describe('the check itself', () => {
  test('finds a planted secret wherever it comes out, and the whole address of a sign-in is none', async () => {
    const { fake, app, begin, note, leaks, seed } = await watch()
    seed()
    await begin({ force: true })
    expect(leaks()).toEqual([])
    const { access_token: token } = fake.issueTokens()
    const state = fake.secrets().find((secret) => secret.length === 43) ?? token
    const places = ['page', 'result of codex_status', 'progress of codex_login']
    for (const place of places) note(place, `… ${state} …`)
    app.logged.push(`codex-oauth http token=${token.slice(0, 30)}`)
    mkdirSync(join(app.home, 'other'))
    writeFileSync(join(app.home, 'other', 'file'), token)
    writeFileSync(join(app.home, 'rt_FAKE_name'), '')
    writeFileSync(app.credentialsFile, JSON.stringify({ codex: { access_token: token, note: PROMPT } }))
    const found = leaks().map(({ where }) => where.split(':')[0])
    expect(new Set(found)).toEqual(new Set([...places, 'log', 'file', 'credentials']))
  })
})

test('what is said may lie in the kept files, but only for their owner, and nowhere else; a token not even there', async () => {
  const { app, note, leaks } = await watch()
  const folder = join(app.home, '.claude', 'codex-oauth', 'answers')
  mkdirSync(folder, { recursive: true })
  const put = (name: string, text: string, mode: number) => writeFileSync(join(folder, name), text, { mode })
  put('a-0000000001.jsonl', `${PROMPT} ${ANSWER}`, 0o600)
  note('result of codex_status', PROMPT)
  expect(leaks()).toEqual([])
  put('a-0000000002.jsonl', PROMPT, 0o644)
  put('a-0000000003.jsonl', 'rt_FAKE', 0o600)
  note('result of codex_status', ANSWER)
  note('progress of codex_query', ANSWER)
  app.logged.push(PROMPT)
  expect(
    leaks()
      .map(({ where, secret }) => `${where.split(':')[0]} ${secret}`)
      .sort(),
  ).toEqual([
    'file CANARY-prompt',
    'kept words rt_FAKE',
    'log CANARY-prompt',
    'progress of codex_query CANARY-answer',
    'result of codex_status CANARY-answer',
  ])
})

test('the built server: stdout but for the answer, and stderr with debugging on', async () => {
  const fake = await startFakeOpenAI({ reply: ANSWER })
  onTestFinished(() => fake.close())
  const home = tempFolder()
  const ports = await freePorts(2)
  const env = { ...fake.env({ CODEX_OAUTH_PORTS: ports.join(',') }), HOME: home, CODEX_DEBUG: '1' }
  const server = startBuiltServer(env)
  const { text } = await server.call('codex_login')
  const [url = ''] = /https?:\S+\/oauth\/authorize\?[^\s"]+/.exec(text) ?? []
  await fake.browser(url)
  expect((await server.call('codex_login', {}, { onProgress: () => {} })).data.status).toBe('authenticated')
  await server.call('codex_query', question)
  fake.expireAccessTokens()
  await server.call('codex_query', question)
  fake.script.responses.push(echo(400, detail), echo(401, error), { sse: answer(ANSWER, { end: 'cut' }) })
  while (fake.script.responses.left > 0) await server.call('codex_query', question)
  fake.expireAccessTokens()
  fake.script.token.push(echo(500))
  await server.call('codex_query', question)
  writeFileSync(join(server.cwd, 'notes.md'), 'CANARY-file-41d7')
  const { text: inBackground } = await server.call('codex_query', {
    ...question,
    ...{ files: ['notes.md'], conversation: 'sky', background: true },
  })
  await server.call('codex_query', { collect: /a-[0-9a-z]{10}/.exec(inBackground)?.[0] })
  for (const name of ['codex_status', 'codex_models', 'codex_clear']) await server.call(name, {}, { id: name })
  // What runs is written down on the way out.
  fake.script.responses.push({ sse: answer(ANSWER, { end: 'cut', items: false }), silent: true })
  await server.call('codex_query', { ...question, background: true })
  server.send(`{"jsonrpc":"2.0","id":"x","method":"tools/call","params":"${PROMPT}"}\n${PROMPT}\n`)
  await server.answerTo('x')
  await server.endBy(() => server.child.stdin.end())

  // That is the one that lists the first words of questions.
  const frames = server.frames.filter(({ id }) => id !== 'codex_status')
  const stdout = JSON.stringify(frames).replaceAll(JSON.stringify(ANSWER), '<answer>')
  const shown = `${stdout}\n${server.stderr()}`.replaceAll(url, '<sign-in address>')
  expect(server.stderr()).toMatch(/codex-oauth http .*\n(.*\n)*codex-oauth shutdown/)
  expect([...fake.secrets(), ...MARKS].filter((secret) => shown.includes(secret))).toEqual([])
})
