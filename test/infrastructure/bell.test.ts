import { expect, test } from 'vitest'
import { createBell } from '../../src/infrastructure/bell.ts'

const never = new AbortController().signal

test('all who wait are woken once, and those who come later with the next ring', async () => {
  const bell = createBell()
  const woken: string[] = []
  const first = bell.next(never).then(() => woken.push('first'))
  const second = bell.next(never).then(() => woken.push('second'))
  bell.ring()
  const third = bell.next(never).then(() => woken.push('third'))
  await Promise.all([first, second])
  expect(woken).toEqual(['first', 'second'])
  bell.ring()
  await third
})

test('who no longer wants to wait is let go', async () => {
  const over = new AbortController()
  const waiting = createBell().next(over.signal)
  over.abort()
  await waiting
  await createBell().next(over.signal)
})
