import { describe, expect, test } from 'vitest'
import type { RouteName } from '../../../src/services/login/login-route.ts'
import type { AccountStatus } from '../../../src/services/status/account-status.ts'
import { createStatusOfAll } from '../../../src/services/status/status-of-all.ts'

const routes = { codex: { title: 'Codex route' }, plan: { title: 'plan route' } }

const statusOf = (message: string, authenticated = true) => ({ message, authenticated }) as AccountStatus

function setUp(stored: readonly RouteName[], authenticated: Partial<Record<RouteName, boolean>> = {}) {
  const reader = (name: RouteName) => async () => statusOf(`That of ${name}.`, authenticated[name])
  return createStatusOfAll({
    routes,
    readers: { codex: reader('codex'), plan: reader('plan') },
    choice: { stored: async () => stored },
  })
}

test('where nobody is stored it is that of the Codex login, whom the environment may serve', async () => {
  expect(await setUp([])()).toMatchObject({ message: 'That of codex.', route: undefined, logins: [] })
})

test('the only one stored is all there is to say', async () => {
  const status = await setUp(['plan'])()
  expect(status).toMatchObject({ message: 'That of plan.', route: 'plan' })
  expect(status.logins).toEqual([expect.objectContaining({ route: 'plan', answers: true })])
})

describe('of two', () => {
  test('the one that answers is shown, and the other with the way to it', async () => {
    const status = await setUp(['codex', 'plan'])()
    expect(status.message).toBe(
      'That of codex. The plan route is signed in too; to be asked with it: codex_login with route "plan".',
    )
    expect(status.logins?.map(({ route, answers }) => [route, answers])).toEqual([
      ['codex', true],
      ['plan', false],
    ])
  })

  test('one that cannot be used is said to be there, not to be signed in', async () => {
    const { message } = await setUp(['plan', 'codex'], { codex: false })()
    expect(message).toMatch(/^That of plan\. The Codex route has a sign-in too, which cannot be used as it is;/)
  })
})

test('a file that cannot be read is told by whoever reads it', async () => {
  const read = createStatusOfAll({
    routes,
    readers: { codex: async () => statusOf('The file is damaged.', false), plan: async () => statusOf('No.', false) },
    choice: { stored: () => Promise.reject(new Error('damaged')) },
  })
  expect(await read()).toMatchObject({ message: 'The file is damaged.', authenticated: false })
})

test('where the only login is damaged nothing else answers, whatever the environment has', async () => {
  const damaged = { ...statusOf('The plan login is damaged.', false), storageProblem: 'Damaged.' } as AccountStatus
  const read = createStatusOfAll({
    routes,
    readers: { codex: async () => statusOf('A key answers.'), plan: async () => damaged },
    choice: { stored: () => Promise.reject(new Error('damaged')) },
  })
  expect(await read()).toMatchObject({ authenticated: false, message: 'The plan login is damaged.', logins: [] })
})
