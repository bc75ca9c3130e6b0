import { expect, test } from 'vitest'
import { createRemembered } from '../../src/infrastructure/remembered.ts'
import { createTestClock } from '../support/test-clock.ts'

function setUp() {
  const clock = createTestClock()
  const loads: PromiseWithResolvers[] = []
  const remembered = createRemembered({
    load: () => {
      const load = withResolvers()
      loads.push(load)
      return load.promise
    },
    lifeMs: 1000,
    now: clock.now,
  })
  /** Asks, and lets what that loads become `value`. */
  const getAs = (value: string) => {
    const got = remembered.get()
    loads.at(-1)?.resolve(value)
    return got
  }
  return { clock, loads, remembered, getAs }
}

interface PromiseWithResolvers {
  promise: Promise<string>
  resolve: (value: string) => void
  reject: (error: Error) => void
}

function withResolvers(): PromiseWithResolvers {
  let resolve: (value: string) => void = () => {}
  let reject: (error: Error) => void = () => {}
  const promise = new Promise<string>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}

test('it is loaded again when its time is over, and not before', async () => {
  const { clock, loads, getAs } = setUp()
  expect(await getAs('one')).toBe('one')
  clock.advance(999)
  expect(await getAs('two')).toBe('one')
  clock.advance(1)
  expect(await getAs('two')).toBe('two')
  expect(loads).toHaveLength(2)
})

test('from the future it is none: the clock was set back', async () => {
  const { clock, getAs } = setUp()
  await getAs('one')
  clock.advance(-1)
  expect(await getAs('two')).toBe('two')
})

test('all who ask at the same time wait for the same', async () => {
  const { loads, remembered } = setUp()
  const all = [remembered.get(), remembered.get(), remembered.renew('old')]
  loads[0]?.resolve('one')
  expect(await Promise.all(all)).toEqual(['one', 'one', 'one'])
  expect(loads).toHaveLength(1)
})

test('a failure is not remembered, and does not take away what was', async () => {
  const { loads, remembered, getAs } = setUp()
  const first = remembered.get()
  loads[0]?.reject(new Error('down'))
  await expect(first).rejects.toThrow('down')
  expect(await getAs('one')).toBe('one')
  const newer = remembered.renew('one')
  loads[2]?.reject(new Error('down'))
  await expect(newer).rejects.toThrow('down')
  expect(await getAs('two')).toBe('one')
})

test('a newer one is loaded whatever its age, but once', async () => {
  const { loads, remembered, getAs } = setUp()
  await getAs('one')
  const both = [remembered.renew('one'), remembered.renew('one')]
  loads[1]?.resolve('two')
  expect(await Promise.all(both)).toEqual(['two', 'two'])
  expect(await remembered.renew('one')).toBe('two')
  expect(loads).toHaveLength(2)
})
