import { describe, expect, test } from 'vitest'
import { CodexError } from '../../../src/errors.ts'
import type { TokenRecord, TokenStorage } from '../../../src/infrastructure/token-storage.ts'
import type { TokenManager } from '../../../src/services/login/token-manager.ts'
import { createSignedIn } from '../../../src/services/sign-in/signed-in.ts'
import { errorOf } from '../../support/error-of.ts'
import { aRecord } from '../../support/token-records.ts'

interface Situation {
  record?: TokenRecord | undefined
  /** Instead of tokens. */
  error?: CodexError
  lacks?: boolean
}

function setUp({ record, error, lacks = false }: Situation) {
  const storage = {
    unlock: async () => {},
    read() {
      if (error?.code === 'STORAGE_CORRUPT') throw error
      return { record, needsUnlock: false, warnings: [] }
    },
  } as unknown as TokenStorage
  const tokens = {
    async getTokens() {
      if (error !== undefined) throw error
      return record
    },
  } as unknown as TokenManager
  return createSignedIn({ storage, tokens, isIncomplete: () => lacks })
}

const HERE = aRecord({ savedAt: 1_000 })
const account = (situation: Situation, whole = false) => setUp(situation).account(undefined, whole)

describe('signed in is', () => {
  test('whoever has a login that works', async () => {
    expect(await account({ record: HERE })).toMatchObject({ accountId: 'account-1' })
  })

  test('whoever has one that lacks something, unless that is what is wanted', async () => {
    expect(await account({ record: HERE, lacks: true })).toMatchObject({ accountId: 'account-1' })
    expect(await account({ record: HERE, lacks: true }, true)).toBeUndefined()
    expect(await account({ record: HERE }, true)).toMatchObject({ accountId: 'account-1' })
  })

  test('nobody with one that will not be renewed any more', async () => {
    expect(await account({ record: { ...HERE, refreshFailed: 'hash' } })).toBeUndefined()
  })

  test.each(['NOT_AUTHENTICATED', 'STORAGE_SEALED', 'STORAGE_CORRUPT'] as const)(
    'nobody, when in doubt: %s',
    async (code) => {
      expect(await account({ error: new CodexError(code, 'No.') })).toBeUndefined()
    },
  )

  test('somebody whose login cannot be renewed as it is, which says itself what to do', async () => {
    const error = new CodexError('TOKEN_REQUEST_FAILED', 'No.', { hint: 'Register again.' })
    expect(await errorOf(account({ error }))).toBe(error)
  })

  test.each(['TOKEN_REQUEST_FAILED', 'NETWORK', 'TIMEOUT'] as const)(
    'somebody, of whom nothing can be said while the service is away: %s',
    async (code) => {
      const error = new CodexError(code, 'No.', { retryable: true })
      expect(await errorOf(account({ error }))).toBe(error)
    },
  )
})

describe('signed in since is', () => {
  test.each([undefined, 999, 1_001])('whoever is stored with another time than %s', async (before) => {
    expect(await setUp({ record: HERE }).since(before)).toMatchObject({ accountId: 'account-1' })
  })

  test('nobody where it is the same login, none, one without a time, or a key', async () => {
    expect(await setUp({ record: HERE }).since(1_000)).toBeUndefined()
    expect(await setUp({ record: undefined }).since(undefined)).toBeUndefined()
    expect(await setUp({ record: aRecord() }).since(7)).toBeUndefined()
    expect(await setUp({ record: { ...HERE, method: 'api_key' } }).since(undefined)).toBeUndefined()
  })
})

test('what cannot be read is not stored', () => {
  expect(setUp({ error: new CodexError('STORAGE_CORRUPT', 'No.') }).stored()).toBeUndefined()
})
