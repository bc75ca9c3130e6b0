import { expect, test } from 'vitest'
import { CodexError } from '../../../src/errors.ts'
import type { StoredTokens } from '../../../src/infrastructure/token-storage.ts'
import { createAnsweringCredentials } from '../../../src/services/login/answering-credentials.ts'
import type { Credentials } from '../../../src/services/login/credentials.ts'
import type { RouteName } from '../../../src/services/login/login-route.ts'
import { errorOf } from '../../support/error-of.ts'

const dead = new CodexError('NOT_AUTHENTICATED', 'Your sign-in is no longer valid.')

const STORED: StoredTokens = { record: undefined, needsUnlock: false, warnings: [] }

function setUp(answering: RouteName | undefined, broken?: RouteName) {
  const asked: [name: RouteName, stored: unknown][] = []
  const of = (name: RouteName) =>
    ({
      async current(_signal: unknown, stored: unknown) {
        asked.push([name, stored])
        if (name === broken) throw dead
        return { label: name }
      },
    }) as unknown as Credentials
  const credentials = createAnsweringCredentials({
    credentials: { codex: of('codex'), plan: of('plan') },
    choice: { opened: async () => ({ name: answering ?? 'codex', stored: STORED }) },
  })
  return { asked, credentials }
}

test.each([
  ['codex', 'codex'],
  ['plan', 'plan'],
  [undefined, 'codex'],
] as const)(
  'where %s answers, the credential is that of %s, made of what was read to find that out',
  async (answering, expected) => {
    const { asked, credentials } = setUp(answering)
    expect(await credentials.current()).toMatchObject({ label: expected })
    expect(asked).toEqual([[expected, STORED]])
  },
)

test.each(['codex', 'plan'] as const)('a login of %s that is dead is not replaced by the other one', async (name) => {
  const { asked, credentials } = setUp(name, name)
  expect(await errorOf(credentials.current())).toBe(dead)
  expect(asked).toEqual([[name, STORED]])
})
