import { expect, test } from 'vitest'
import { CodexError } from '../../src/errors.ts'
import { createAnsweringCredentials } from '../../src/services/answering-credentials.ts'
import type { Credentials } from '../../src/services/credentials.ts'
import type { RouteName } from '../../src/services/login-route.ts'
import { errorOf } from '../support/error-of.ts'

const dead = new CodexError('NOT_AUTHENTICATED', 'Your sign-in is no longer valid.')

function setUp(answering: RouteName | undefined, broken?: RouteName) {
  const asked: RouteName[] = []
  const of = (name: RouteName) =>
    ({
      async current() {
        asked.push(name)
        if (name === broken) throw dead
        return { label: name }
      },
    }) as unknown as Credentials
  const credentials = createAnsweringCredentials({
    credentials: { codex: of('codex'), plan: of('plan') },
    choice: { asked: async () => answering ?? 'codex' },
  })
  return { asked, credentials }
}

test.each([
  ['codex', 'codex'],
  ['plan', 'plan'],
  [undefined, 'codex'],
] as const)('where %s answers, the credential is that of %s', async (answering, expected) => {
  const { asked, credentials } = setUp(answering)
  expect(await credentials.current()).toMatchObject({ label: expected })
  expect(asked).toEqual([expected])
})

test.each(['codex', 'plan'] as const)('a login of %s that is dead is not replaced by the other one', async (name) => {
  const { asked, credentials } = setUp(name, name)
  expect(await errorOf(credentials.current())).toBe(dead)
  expect(asked).toEqual([name])
})
