import { getEventListeners } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createSemaphore } from '../../src/infrastructure/semaphore.ts'
import { errorOf } from '../support/error-of.ts'

/** Work that begins and ends as the test says, and what has begun so far. */
function aBench(atOnce: number) {
  const withPermit = createSemaphore(atOnce)
  const begun: string[] = []
  const ends = new Map<string, () => void>()
  const start = (name: string, signal?: AbortSignal) =>
    withPermit(() => {
      begun.push(name)
      return new Promise<string>((resolve) => ends.set(name, () => resolve(name)))
    }, signal)
  return { withPermit, begun, start, end: (name: string) => ends.get(name)?.() }
}

test('so many run at a time, and the others begin in the order in which they came', async () => {
  const { begun, start, end } = aBench(2)
  const all = ['a', 'b', 'c', 'd'].map((name) => start(name))
  await setImmediate()
  expect(begun).toEqual(['a', 'b'])
  end('b')
  await setImmediate()
  expect(begun).toEqual(['a', 'b', 'c'])
  end('a')
  end('c')
  await setImmediate()
  end('d')
  expect(await Promise.all(all)).toEqual(['a', 'b', 'c', 'd'])
  expect(begun).toEqual(['a', 'b', 'c', 'd'])
})

test('whoever cancels while they wait leaves, and takes no turn from anybody', async () => {
  const { begun, start, end } = aBench(1)
  const [leaving, staying] = [new AbortController(), new AbortController()]
  const first = start('a')
  const second = start('b', leaving.signal)
  const third = start('c', staying.signal)
  leaving.abort()
  expect(await errorOf(second)).toMatchObject({ code: 'CANCELLED' })
  expect(await errorOf(start('d', leaving.signal))).toMatchObject({ code: 'CANCELLED' })
  end('a')
  await first
  await setImmediate()
  expect(begun).toEqual(['a', 'c'])
  expect(getEventListeners(staying.signal, 'abort')).toEqual([])
  end('c')
  expect(await third).toBe('c')
})

test('work that fails gives its turn on', async () => {
  const { withPermit } = aBench(1)
  const failed = withPermit(() => Promise.reject(new Error('no')))
  const next = withPermit(async () => 'next')
  await expect(failed).rejects.toThrow('no')
  expect(await next).toBe('next')
})
