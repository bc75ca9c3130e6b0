import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createTickTimer } from '../../src/infrastructure/tick-timer.ts'

describe('by a clock that the test moves', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  test.each([1, 10, 45, 999, 1000, 5000, 60_000, 300_000])('%i ms of silence end it, once', (limitMs) => {
    const onExpire = vi.fn()
    createTickTimer(limitMs, onExpire)
    vi.advanceTimersByTime(Math.floor(limitMs * 0.89))
    expect(onExpire).toHaveBeenCalledTimes(0)
    vi.advanceTimersByTime(Math.ceil(limitMs * 0.11) + 1)
    expect(onExpire).toHaveBeenCalledTimes(1)
    vi.advanceTimersByTime(limitMs * 3)
    expect(onExpire).toHaveBeenCalledTimes(1)
  })

  test('whoever is heard from in time never runs out of it', () => {
    const onExpire = vi.fn()
    const timer = createTickTimer(10_000, onExpire)
    for (let n = 0; n < 20; n += 1) {
      vi.advanceTimersByTime(9000)
      timer.reset()
    }
    expect(onExpire).not.toHaveBeenCalled()
    vi.advanceTimersByTime(10_000)
    expect(onExpire).toHaveBeenCalledTimes(1)
  })

  test('a reset after the end changes nothing', () => {
    const onExpire = vi.fn()
    const timer = createTickTimer(1000, onExpire)
    vi.advanceTimersByTime(1000)
    timer.reset()
    vi.advanceTimersByTime(10_000)
    expect(onExpire).toHaveBeenCalledTimes(1)
  })

  test('stopped, it leaves nothing behind', () => {
    const onExpire = vi.fn()
    createTickTimer(1000, onExpire).stop()
    expect(vi.getTimerCount()).toBe(0)
    vi.advanceTimersByTime(10_000)
    expect(onExpire).not.toHaveBeenCalled()
  })
})

test('it does not keep a process alive', () => {
  const module = JSON.stringify(new URL('../../src/infrastructure/tick-timer.ts', import.meta.url))
  const program = `import(${module}).then(({ createTickTimer }) => createTickTimer(600_000, () => {}))`
  const tsx = fileURLToPath(import.meta.resolve('tsx'))
  const { status } = spawnSync(process.execPath, ['--import', tsx, '--eval', program], { timeout: 20_000 })
  expect(status).toBe(0)
})
