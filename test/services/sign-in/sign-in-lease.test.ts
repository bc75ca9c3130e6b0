import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createClaimStore } from '../../../src/infrastructure/claim.ts'
import { type ProcessIdentity, thisProcess } from '../../../src/infrastructure/process-identity.ts'
import { createSignInLease } from '../../../src/services/sign-in/sign-in-lease.ts'
import { tempFolder } from '../../support/temp-folder.ts'

const NOW = 1_800_000_000_000

/** Windows of one machine, each with its own lease, over one credentials file. */
function desk() {
  const folder = tempFolder()
  mkdirSync(folder, { recursive: true })
  let nowMs = NOW
  const now = () => nowMs
  const window = (identity: ProcessIdentity = thisProcess(), afterTaking = () => {}) => {
    const claims = createClaimStore({ base: () => join(folder, 'auth.json'), now, identity })
    const take: typeof claims.take = (...claim) => {
      const taken = claims.take(...claim)
      afterTaking()
      return taken
    }
    return createSignInLease({ claims: { ...claims, take }, clock: { now } })
  }
  const put = (name: string, body: string) => writeFileSync(join(folder, name), body)
  return { window, put, files: () => readdirSync(folder), pass: (ms: number) => (nowMs += ms) }
}

test('one window has it, the other sees that; given back, it can be had again', () => {
  const { window, files } = desk()
  const [a, b] = [window(), window()]
  expect(a.isElsewhere()).toBe(false)
  expect(a.take(NOW + 60_000, false)).toBe(true)
  expect([a.isElsewhere(), b.isElsewhere()]).toEqual([false, true])
  expect(b.take(NOW + 60_000, false)).toBe(false)
  a.release()
  expect(files()).toEqual([])
  expect(b.take(NOW + 60_000, false)).toBe(true)
})

test('it can be prolonged, and taken over by force', () => {
  const { window, pass } = desk()
  const [a, b] = [window(), window()]
  a.take(NOW + 1_000, false)
  a.prolong(NOW + 90_000)
  pass(2_000)
  expect(b.isElsewhere()).toBe(true)
  expect(b.take(NOW + 90_000, true)).toBe(true)
  expect([a.isElsewhere(), b.isElsewhere()]).toEqual([true, false])
  a.release()
  expect(a.isElsewhere()).toBe(true)
})

test('a window that was ousted has nothing to do with what comes after', () => {
  const { window, pass } = desk()
  const [a, b, c] = [window(), window(), window()]
  a.take(NOW + 60_000, false)
  pass(1)
  b.take(NOW + 60_000, true)
  b.release()
  pass(1)
  c.take(NOW + 60_000, true)
  a.prolong(NOW + 1)
  a.release()
  pass(2)
  expect([a.isElsewhere(), b.isElsewhere(), c.isElsewhere()]).toEqual([true, true, false])
})

test('an older sign-in is seen again when the one that took it over by force has ended, until it ends itself', () => {
  const { window, files, pass } = desk()
  const [a, b, c] = [window(), window(), window()]
  a.take(NOW + 60_000, false)
  pass(1)
  b.take(NOW + 60_000, true)
  b.release()
  expect([a.isElsewhere(), b.isElsewhere(), c.isElsewhere()]).toEqual([false, true, true])
  expect(c.take(NOW + 60_000, false)).toBe(false)
  a.prolong(NOW + 90_000)
  pass(80_000)
  expect(c.isElsewhere()).toBe(true)
  a.release()
  expect(c.isElsewhere()).toBe(false)
  expect(files()).toEqual([])
})

test('a newer sign-in is still seen when the one that it took over has ended', () => {
  const { window, pass } = desk()
  const [a, b, c] = [window(), window(), window()]
  a.take(NOW + 60_000, false)
  pass(1)
  b.take(NOW + 60_000, true)
  a.release()
  expect([b.isElsewhere(), c.isElsewhere()]).toEqual([false, true])
  b.release()
  expect(c.isElsewhere()).toBe(false)
})

test('what was removed when its time was over does not come back', () => {
  const { window, files, pass } = desk()
  const [a, b, c] = [window(), window(), window()]
  a.take(NOW + 1_000, false)
  pass(1_000)
  b.take(NOW + 60_000, false)
  b.release()
  a.prolong(NOW + 60_000)
  expect(files()).toEqual([])
  pass(1)
  c.take(NOW + 60_000, false)
  const itsOwn = files()
  a.release()
  expect(files()).toEqual(itsOwn)
})

test('a clock that is set back does not bring back what has ended', () => {
  const { window, pass } = desk()
  const [a, b, c] = [window(), window(), window()]
  a.take(NOW + 60_000, false)
  pass(1_000)
  b.take(NOW + 60_000, true)
  b.release()
  pass(-2_000)
  a.release()
  expect(c.isElsewhere()).toBe(false)
})

test('of a window that was too slow nothing stays open', () => {
  const { window } = desk()
  const [b, c] = [window(), window()]
  const a = window(thisProcess(), () => b.take(NOW + 60_000, true))
  expect(a.take(NOW + 60_000, false)).toBe(false)
  expect(c.isElsewhere()).toBe(true)
  b.release()
  expect(c.isElsewhere()).toBe(false)
})

test('its time runs out, whoever holds it', () => {
  const { window, pass } = desk()
  const [a, b] = [window({ pid: 1, place: 'another machine', startTime: undefined }), window()]
  a.take(NOW + 60_000, false)
  expect(b.isElsewhere()).toBe(true)
  pass(60_000)
  expect(b.isElsewhere()).toBe(false)
  expect(b.take(NOW + 120_000, false)).toBe(true)
})

test.each(['', '{}', 'garbage', '{"pid":1,"place":"another machine"}', '{"done":true}'])(
  'one that nobody can be seen to hold keeps nobody from signing in: %j',
  (body) => {
    for (const number of ['1', '1799999999999', '999999999999999']) {
      const { window, put } = desk()
      put(`auth.json.spend.signin.${number}`, body)
      const one = window()
      expect(one.isElsewhere()).toBe(false)
      expect(one.take(NOW + 60_000, false)).toBe(true)
      expect(window().isElsewhere()).toBe(true)
    }
  },
)

test('a window that was killed has left it', () => {
  const { window } = desk()
  const dead = { ...thisProcess(), pid: spawnSync(process.execPath, ['--version']).pid }
  window(dead).take(NOW + 60_000, false)
  const other = window()
  expect(other.isElsewhere()).toBe(false)
  expect(other.take(NOW + 60_000, false)).toBe(true)
})
