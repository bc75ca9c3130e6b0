import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { onProcessEnd } from '../../src/infrastructure/process-end.ts'

test('however many wait for the end of the process, one listener does, and none when nobody is left', () => {
  const before = process.listenerCount('exit')
  const takeBack = Array.from({ length: 20 }, () => onProcessEnd(() => {}))
  expect(process.listenerCount('exit')).toBe(before + 1)
  for (const take of takeBack) take()
  takeBack[0]?.()
  expect(process.listenerCount('exit')).toBe(before)
})

test.each(['', 'process.exit()'])('at the end all is done that was not taken back (%s)', (end) => {
  const script = `
    import { writeSync } from 'node:fs'
    import { onProcessEnd } from ${JSON.stringify(new URL('../../src/infrastructure/process-end.ts', import.meta.url))}
    const [, second] = ['first', 'second', 'third'].map((word) => onProcessEnd(() => writeSync(1, word + ' ')))
    second()
    ${end}`
  const loader = ['--import', import.meta.resolve('tsx'), '--input-type=module', '-e', script]
  const { stdout, stderr } = spawnSync(process.execPath, loader, { encoding: 'utf8' })
  expect([stdout, stderr]).toEqual(['first third ', ''])
})
