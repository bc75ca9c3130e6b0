import { getEventListeners } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { cancelled, raceSignal } from '../../src/infrastructure/abort.ts'
import { errorOf } from '../support/error-of.ts'
import { gate } from '../support/fake-script.ts'

test('a cancel has a code of its own and asks for nothing', () => {
  expect(cancelled()).toMatchObject({ code: 'CANCELLED', retryable: false, hint: undefined })
})

test.each([
  ['without a signal', undefined],
  ['with a signal nobody uses', new AbortController().signal],
])('work ends as it would have, %s', async (_name, signal) => {
  await expect(raceSignal(Promise.resolve(7), signal)).resolves.toBe(7)
  await expect(raceSignal(Promise.reject(new Error('its own')), signal)).rejects.toThrow('its own')
})

test('a cancel ends the wait, and the work goes on', async () => {
  const { promise, open } = gate()
  let done = false
  const work = promise.then(() => {
    done = true
  })
  const controller = new AbortController()
  const waiting = raceSignal(work, controller.signal)
  controller.abort()
  expect((await errorOf(waiting)).code).toBe('CANCELLED')
  expect(done).toBe(false)
  open()
  await work
  expect(done).toBe(true)
})

test('who has cancelled already does not wait at all', async () => {
  expect((await errorOf(raceSignal(new Promise(() => {}), AbortSignal.abort()))).code).toBe('CANCELLED')
})

test('the error says what was cancelled', async () => {
  const work = new Promise(() => {})
  expect((await errorOf(raceSignal(work, AbortSignal.abort()))).message).toBe('The call was cancelled.')
  expect((await errorOf(raceSignal(work, AbortSignal.abort(), 'command'))).message).toBe('The command was cancelled.')
})

test('work that fails after the cancel disturbs nobody', async () => {
  const { promise, open } = gate()
  const work = promise.then(() => Promise.reject(new Error('too late')))
  const controller = new AbortController()
  const waiting = raceSignal(work, controller.signal)
  controller.abort()
  expect((await errorOf(waiting)).code).toBe('CANCELLED')
  open()
  await expect(work).rejects.toThrow('too late')
})

test('a signal that outlives many calls collects no listeners', async () => {
  const { signal } = new AbortController()
  for (let n = 0; n < 20; n += 1) await raceSignal(Promise.resolve(n), signal)
  await setImmediate()
  expect(getEventListeners(signal, 'abort')).toEqual([])
})
