import { expect, onTestFinished, test } from 'vitest'
import { createProgressPace, type TimedProgress } from '../../../src/services/answers/progress-pace.ts'
import { createHandClock } from '../../support/hand-clock.ts'

/** A pace over a clock of which the test moves every second. */
function startPace() {
  const clock = createHandClock()
  const told: TimedProgress[] = []
  const pace = createProgressPace({ clock, onProgress: (progress) => told.push(progress) })
  onTestFinished(pace.stop)
  const words = () => told.map(({ phase, elapsedMs }) => `${phase} ${elapsedMs / 1000}`)
  return { pace, told, pass: clock.pass, jump: clock.jump, words }
}

test('a silent service is told of every five seconds, from the first moment on', async () => {
  const { pass, words } = startPace()
  await pass(16)
  expect(words()).toEqual(['connecting 0', 'connecting 5', 'connecting 10', 'connecting 15'])
})

test('each change of phase or headline is told at once, however fast they come', () => {
  const { pace, told } = startPace()
  pace.tell({ phase: 'queued', characters: 0 })
  pace.tell({ phase: 'thinking', characters: 0 })
  pace.tell({ phase: 'thinking', headline: 'One', characters: 0 })
  pace.tell({ phase: 'thinking', headline: 'Two', characters: 0 })
  pace.tell({ phase: 'writing', characters: 1 })
  expect(told.map(({ phase, headline }) => headline ?? phase)).toEqual([
    'connecting',
    'queued',
    'thinking',
    'One',
    'Two',
    'writing',
  ])
})

test('of a flood of changes the first are told, and the last one with the next beat', async () => {
  const { pace, told, pass } = startPace()
  for (let n = 1; n <= 10_000; n += 1) pace.tell({ phase: 'thinking', headline: `Part ${n}`, characters: 0 })
  expect(told.length).toBeLessThanOrEqual(25)
  await pass(5)
  expect(told.at(-1)?.headline).toBe('Part 10000')
  pace.tell({ phase: 'writing', characters: 0 })
  expect(told.at(-1)?.phase).toBe('writing')
})

test('amounts are told once a second, and the last one with the next beat', async () => {
  const { pace, told, pass } = startPace()
  pace.tell({ phase: 'writing', characters: 0 })
  for (let characters = 1; characters <= 50; characters += 1) pace.tell({ phase: 'writing', characters })
  await pass(1)
  pace.tell({ phase: 'writing', characters: 51 })
  pace.tell({ phase: 'writing', characters: 52 })
  await pass(5)
  expect(told.map(({ characters }) => characters)).toEqual([0, 0, 51, 52])
})

test('what comes again unchanged is not told again', () => {
  const { pace, told } = startPace()
  pace.tell({ phase: 'queued', characters: 0 })
  pace.tell({ phase: 'queued', characters: 0 })
  expect(told).toHaveLength(2)
})

test('nothing is told after the end', async () => {
  const { pace, told, pass } = startPace()
  pace.stop()
  pace.tell({ phase: 'writing', characters: 1 })
  await pass(20)
  expect(told).toHaveLength(1)
})

test('a clock that jumps back makes no negative time, and no silence', () => {
  const { pace, told, jump } = startPace()
  jump(-3_600_000)
  pace.tell({ phase: 'connecting', characters: 1 })
  expect(told.map(({ elapsedMs }) => elapsedMs)).toEqual([0, 0])
})

test('somebody who comes later is told how it stands then, with the time since the question', async () => {
  const clock = createHandClock()
  const told: TimedProgress[] = []
  const first = { phase: 'writing', characters: 40 } as const
  const startedAt = clock.now() - 60_000
  const pace = createProgressPace({ clock, onProgress: (progress) => told.push(progress), startedAt, first })
  pace.tell(first)
  await clock.pass(5)
  pace.stop()
  expect(told).toEqual([
    { ...first, elapsedMs: 60_000 },
    { ...first, elapsedMs: 65_000 },
  ])
})
