import { expect, test } from 'vitest'
import type { StoredTokens } from '../../src/infrastructure/token-storage.ts'
import { openRecord } from '../../src/services/open-record.ts'
import { aRecord } from '../support/token-records.ts'

const closed = (untried: boolean): StoredTokens => ({
  record: undefined,
  unopened: { reason: 'No key.', remedy: 'Sign in.', of: undefined, untried },
  warnings: [],
})

/** A storage whose record changes with every key that is fetched. */
function storageOf(...contents: StoredTokens[]) {
  let unlocked = 0
  return {
    unlock: async () => void unlocked++,
    read: () => contents[Math.min(unlocked, contents.length) - 1] ?? closed(true),
    unlocked: () => unlocked,
  }
}

test('a record that is sealed anew while its key is fetched is looked at once more', async () => {
  const record = aRecord()
  const storage = storageOf(closed(true), closed(true), { record, warnings: [] })
  expect((await openRecord(storage)).record).toBe(record)
  expect(storage.unlocked()).toBe(3)
})

test('a record whose key cannot be had is given as it is', async () => {
  const storage = storageOf(closed(false))
  expect((await openRecord(storage)).unopened?.reason).toBe('No key.')
  expect(storage.unlocked()).toBe(1)
})
