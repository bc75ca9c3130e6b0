import { describe, expect, test } from 'vitest'
import { CodexError } from '../../../src/errors.ts'
import type { RouteName } from '../../../src/services/login/login-route.ts'
import type { LoginOptions, SignInOfLogin } from '../../../src/services/sign-in/sign-in.ts'
import type { LoginOutcome, LoginView } from '../../../src/services/sign-in/sign-in-view.ts'
import { createSignIns } from '../../../src/services/sign-in/sign-ins.ts'
import { errorOf } from '../../support/error-of.ts'
import { gate } from '../../support/fake-script.ts'

const ACCOUNT = { accountId: 'account-1', email: undefined, plan: undefined, fedramp: false }
const SIGNED_IN: LoginOutcome = { status: 'authenticated', account: ACCOUNT, fresh: true }
const PENDING = { status: 'pending' } as LoginOutcome
const NONE = { force: false }

/** A sign-in without ways: the test says how it stands and how a call ends. */
function aSignIn(deeds: string[], name: RouteName) {
  const far = {
    state: undefined as LoginView['state'] | undefined,
    news: false,
    isOver: false,
    error: undefined as CodexError | undefined,
    outcome: async (): Promise<LoginOutcome> => PENDING,
    options: [] as LoginOptions[],
  }
  const signIn: SignInOfLogin = {
    login(options) {
      deeds.push(`login ${name}`)
      far.options.push(options)
      return far.outcome()
    },
    view: () => (far.state === undefined ? undefined : ({ state: far.state, error: far.error } as LoginView)),
    hasNews: () => far.news,
    isOver: () => far.isOver,
    assertPossible({ method }) {
      if (method === 'device' && name === 'plan') throw new CodexError('INPUT_INVALID', 'No code here.')
    },
    async cancel() {
      deeds.push(`cancel ${name}`)
      far.state = undefined
    },
    stop: async () => void deeds.push(`stop ${name}`),
    settled: async () => {},
  }
  return { far, signIn }
}

function setUp({ configured, answering }: { configured?: RouteName; answering?: RouteName | undefined } = {}) {
  const deeds: string[] = []
  const codex = aSignIn(deeds, 'codex')
  const plan = aSignIn(deeds, 'plan')
  let chosen = answering
  const choice = {
    asked: async () => chosen ?? ('codex' as const),
    answering: async () => chosen,
    stored: async () => [],
    opened: async () => ({
      name: (chosen ?? 'codex') as RouteName,
      stored: { record: undefined, needsUnlock: false, warnings: [] },
    }),
    async select(name: RouteName) {
      deeds.push(`select ${name}`)
      chosen = name
    },
  }
  const signIns = createSignIns({
    config: { route: configured },
    routes: { codex: { switched: 'Codex from now on.' }, plan: { switched: 'The plan from now on.' } },
    signIns: { codex: codex.signIn, plan: plan.signIn },
    choice,
    welcome: { codex: async () => [], plan: async () => ['Welcome.'] },
  })
  return { deeds, codex: codex.far, plan: plan.far, signIns }
}

describe('a call that names no route is for', () => {
  test.each<[string, Parameters<typeof setUp>[0], RouteName]>([
    ['Codex where nothing speaks for anything else', {}, 'codex'],
    ['the login that answers', { answering: 'plan' }, 'plan'],
    ['what is configured, before that', { answering: 'codex', configured: 'plan' }, 'plan'],
  ])('%s', async (_, situation, route) => {
    const { signIns, deeds } = setUp(situation)
    expect((await signIns.login(NONE)).route).toBe(route)
    expect(deeds).toEqual([`login ${route}`])
  })

  test.each<[string, (far: ReturnType<typeof setUp>['plan']) => void]>([
    ['is open', (plan) => void Object.assign(plan, { state: 'pending' })],
    ['has succeeded, and nobody was told', (plan) => void Object.assign(plan, { state: 'succeeded', news: true })],
  ])('the sign-in that %s, before all that', async (_, change) => {
    const { signIns, plan } = setUp({ configured: 'codex', answering: 'codex' })
    await signIns.login({ ...NONE, route: 'plan' })
    change(plan)
    expect((await signIns.login(NONE)).route).toBe('plan')
  })

  test.each([
    [undefined, 'plan'],
    ['codex', 'codex'],
  ] as const)('where %s answers, and a sign-in to the plan has failed: %s', async (answering, route) => {
    const { signIns, plan } = setUp({ answering })
    await signIns.login({ ...NONE, route: 'plan' })
    plan.state = 'failed'
    expect((await signIns.login(NONE)).route).toBe(route)
  })

  test('the login that answers where that is over, before what is configured', async () => {
    const { signIns, codex } = setUp({ configured: 'plan', answering: 'codex' })
    codex.isOver = true
    expect((await signIns.login(NONE)).route).toBe('codex')
  })

  test('the login that answers where it is to be signed in to anew', async () => {
    const { signIns } = setUp({ configured: 'plan', answering: 'codex' })
    expect((await signIns.login({ ...NONE, force: true })).route).toBe('codex')
  })

  test.each(['cancelled', 'succeeded'] as const)('nothing of what has %s and is told', async (state) => {
    const { signIns, plan } = setUp({ configured: 'codex' })
    await signIns.login({ ...NONE, route: 'plan' })
    plan.state = state
    expect((await signIns.login(NONE)).route).toBe('codex')
  })

  test('what another call has asked for in the same moment', async () => {
    const { signIns, plan, deeds } = setUp()
    const door = gate()
    plan.outcome = async () => {
      await door.promise
      return PENDING
    }
    const both = [signIns.login({ ...NONE, route: 'plan' }), signIns.login(NONE)]
    await expect.poll(() => deeds.length).toBe(2)
    door.open()
    expect((await Promise.all(both)).map(({ route }) => route)).toEqual(['plan', 'plan'])
    expect(deeds).toEqual(['login plan', 'login plan'])
  })

  test('what was opened last, with an address to paste', async () => {
    const { signIns, plan, deeds } = setUp({ configured: 'codex' })
    await signIns.login({ ...NONE, route: 'plan' })
    plan.state = 'succeeded'
    await signIns.login({ ...NONE, callbackUrl: 'http://x' })
    expect(deeds).toEqual(['login plan', 'login plan'])
  })
})

describe('one at a time:', () => {
  test.each(['pending', 'failed'] as const)('a call for one ends what is %s of the other', async (state) => {
    const { signIns, codex, deeds } = setUp()
    await signIns.login({ ...NONE, route: 'codex' })
    codex.state = state
    await signIns.login({ ...NONE, route: 'plan' })
    expect(deeds).toEqual(['login codex', 'cancel codex', 'login plan'])
  })

  test('also what has only just begun and has nothing to show', async () => {
    const { signIns, codex, deeds } = setUp()
    const door = gate()
    codex.outcome = async () => {
      await door.promise
      return PENDING
    }
    const first = signIns.login({ ...NONE, route: 'codex' })
    const second = signIns.login({ ...NONE, route: 'plan' })
    await second
    expect(deeds).toEqual(['login codex', 'cancel codex', 'login plan'])
    door.open()
    await first
  })

  test.each([{ callbackUrl: 'http://x' }, { method: 'device' as const }])(
    'a call that opens nothing ends nothing: %j',
    async (options) => {
      const { signIns, codex, deeds } = setUp()
      await signIns.login({ ...NONE, route: 'codex' })
      codex.state = 'pending'
      await signIns.login({ ...NONE, route: 'plan', ...options }).catch(() => {})
      expect(deeds).not.toContain('cancel codex')
      expect(signIns.view()).toMatchObject({ state: 'pending' })
    },
  )

  test('a sign-out that comes first leaves nothing to begin', async () => {
    const { signIns, deeds } = setUp()
    const waiting = signIns.login({ ...NONE, route: 'plan' })
    await signIns.cancel()
    expect(await errorOf(waiting)).toMatchObject({ code: 'CANCELLED' })
    expect(deeds).toEqual(['cancel codex', 'cancel plan'])
  })
})

describe('who has signed in', () => {
  test('is asked from then on, and told what there is to know', async () => {
    const { signIns, plan, deeds } = setUp({ answering: 'codex' })
    plan.outcome = async () => SIGNED_IN
    expect(await signIns.login({ ...NONE, route: 'plan' })).toMatchObject({ notes: ['Welcome.'] })
    expect(deeds).toEqual(['login plan', 'select plan'])
  })

  test('and says which login it is to be is asked from then on, and told so', async () => {
    const { signIns, plan } = setUp({ answering: 'codex' })
    plan.outcome = async () => ({ ...SIGNED_IN, fresh: false })
    const { notes } = await signIns.login({ ...NONE, route: 'plan' })
    expect(notes).toEqual(['Welcome.', 'The plan from now on.'])
    expect((await signIns.login({ ...NONE, route: 'plan' })).notes).toEqual(['Welcome.'])
  })

  test('and has configured which login it is to be is asked from then on, and told so', async () => {
    const { signIns, codex, deeds } = setUp({ configured: 'codex', answering: 'plan' })
    codex.outcome = async () => ({ ...SIGNED_IN, fresh: false })
    expect((await signIns.login(NONE)).notes).toEqual(['Codex from now on.'])
    expect(deeds).toEqual(['login codex', 'select codex'])
  })

  test('and only looks changes nothing', async () => {
    const { signIns, plan, deeds } = setUp({ answering: 'plan' })
    plan.outcome = async () => ({ ...SIGNED_IN, fresh: false })
    expect((await signIns.login(NONE)).notes).toEqual(['Welcome.'])
    expect(deeds).toEqual(['login plan'])
  })

  test('is asked for what is missing only by naming the route', async () => {
    const { signIns, plan } = setUp({ answering: 'plan' })
    await signIns.login(NONE)
    await signIns.login({ ...NONE, route: 'plan' })
    expect(plan.options.map(({ whole }) => whole)).toEqual([false, true])
  })
})

describe('why the last sign-in failed', () => {
  const failed = (far: ReturnType<typeof setUp>['plan']) => {
    far.state = 'failed'
    far.error = new CodexError('LOGIN_DENIED', 'The sign-in was refused.', { hint: 'Start again.' })
  }

  test('is told by the call that opens the next one, and by no other', async () => {
    const { signIns, plan } = setUp()
    await signIns.login({ ...NONE, route: 'plan' })
    failed(plan)
    const { notes } = await signIns.login({ ...NONE, route: 'plan' })
    expect(notes).toEqual(['The last sign-in failed: The sign-in was refused. Start again.'])
    plan.state = 'pending'
    expect((await signIns.login({ ...NONE, route: 'plan' })).notes).toEqual([])
  })

  test('interests nobody who is signed in', async () => {
    const { signIns, plan } = setUp()
    failed(plan)
    plan.outcome = async () => SIGNED_IN
    expect((await signIns.login({ ...NONE, route: 'plan' })).notes).toEqual(['Welcome.'])
  })
})

test('an error is the caller’s, and the next call begins all the same', async () => {
  const { signIns, codex } = setUp()
  codex.outcome = () => Promise.reject(new CodexError('LOGIN_DENIED', 'No.'))
  expect(await errorOf(signIns.login(NONE))).toMatchObject({ code: 'LOGIN_DENIED' })
  codex.outcome = async () => PENDING
  expect(await signIns.login(NONE)).toMatchObject({ status: 'pending', route: 'codex' })
})

test('the end of the process is that of all', async () => {
  const { signIns, deeds } = setUp()
  await signIns.stop()
  expect(deeds).toEqual(['stop codex', 'stop plan'])
})
