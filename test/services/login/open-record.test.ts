import { describe, expect, test, vi } from 'vitest'
import type { CredentialsSnapshot, StoredTokens } from '../../../src/infrastructure/token-storage.ts'
import { type OpenableStorage, openRecord, openRecords } from '../../../src/services/login/open-record.ts'
import { aRecord } from '../../support/token-records.ts'

const closed = (untried: boolean): StoredTokens => ({
  record: undefined,
  unopened: { reason: 'No key.', remedy: 'Sign in.', of: undefined, untried },
  needsUnlock: true,
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
  const storage = storageOf(closed(true), closed(true), { record, needsUnlock: false, warnings: [] })
  expect((await openRecord(storage)).record).toBe(record)
  expect(storage.unlocked()).toBe(3)
})

test('a record whose key cannot be had is given as it is', async () => {
  const storage = storageOf(closed(false))
  expect((await openRecord(storage)).unopened?.reason).toBe('No key.')
  expect(storage.unlocked()).toBe(1)
})

describe('several records of one file', () => {
  const opened: StoredTokens = { record: aRecord(), needsUnlock: false, warnings: [] }

  function setUp(...storages: OpenableStorage[]) {
    let taken = 0
    const takeSnapshot = (): CredentialsSnapshot => {
      const path = `/snapshot-${++taken}`
      return { path: () => path, value: {}, stat: undefined }
    }
    return { taken: () => taken, open: () => openRecords(storages, takeSnapshot) }
  }

  const always = (stored: () => StoredTokens) => {
    const seen: unknown[] = []
    const unlocked = vi.fn()
    const read = (snapshot?: CredentialsSnapshot) => {
      seen.push(snapshot?.path())
      return stored()
    }
    return { unlock: async () => unlocked(), read, unlocked: () => unlocked.mock.calls.length, seen }
  }

  test('that are open are read in one snapshot', async () => {
    const [one, two] = [always(() => opened), always(() => opened)]
    const { open, taken } = setUp(one, two)
    expect(await open()).toMatchObject([{ value: opened }, { value: opened }])
    expect([taken(), one.seen, two.seen]).toEqual([1, ['/snapshot-1'], ['/snapshot-1']])
    expect([one.unlocked(), two.unlocked()]).toEqual([0, 0])
  })

  test('are all read again when one had to be opened first', async () => {
    const one = always(() => opened)
    const two = always(() => (two.unlocked() === 0 ? closed(true) : opened))
    const { open } = setUp(one, two)
    expect(await open()).toMatchObject([{ value: opened }, { value: opened }])
    expect([one.seen, two.seen]).toEqual([
      ['/snapshot-1', '/snapshot-2'],
      ['/snapshot-1', '/snapshot-2'],
    ])
    expect([one.unlocked(), two.unlocked()]).toEqual([0, 1])
  })

  test('are opened once more when they are sealed anew meanwhile, and not when their key cannot be had', async () => {
    const one = always(() => closed(one.unlocked() < 3))
    const { open } = setUp(one)
    expect(await open()).toMatchObject([{ value: { unopened: { reason: 'No key.' } } }])
    expect(one.unlocked()).toBe(3)
  })

  test('are rejected one by one', async () => {
    const damaged = new Error('damaged')
    const one = always(() => {
      throw damaged
    })
    const two = always(() => opened)
    expect(await setUp(one, two).open()).toMatchObject([{ reason: damaged }, { value: opened }])
  })
})
