import { expect, test } from 'vitest'
import { runProgram } from '../../src/infrastructure/run-program.ts'

const node = (script: string, options: { limitMs?: number; input?: string; env?: Record<string, string> } = {}) =>
  runProgram(process.execPath, ['-e', script], { limitMs: 20_000, ...options })

test('what it writes and how it ends', async () => {
  expect(await node('process.stdout.write("out"); process.stderr.write("err")')).toEqual({
    output: 'out',
    ended: 'well',
  })
  expect(await node('process.stdout.write("out", () => process.exit(3))')).toEqual({ output: 'out', ended: 'badly' })
})

test('it reads its input and sees its variables beside ours', async () => {
  process.env.FAKE_OF_OURS = 'ours'
  const script = 'process.stdin.pipe(process.stdout); process.stdout.write(process.env.FAKE_OF_OURS + process.env.MORE)'
  expect((await node(script, { input: ' in', env: { MORE: ' more' } })).output).toBe('ours more in')
  delete process.env.FAKE_OF_OURS
})

test('one that takes too long is killed, whatever it does with signals', async () => {
  const script = 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000)'
  expect((await node(script, { limitMs: 400 })).ended).toBe('late')
})

test('one that cannot be started, and one that does not read', async () => {
  expect(await runProgram('/nowhere/at/all', [], { limitMs: 1000, input: 'x' })).toEqual({
    output: '',
    ended: 'missing',
  })
  expect((await node('process.exit(0)', { input: 'x'.repeat(1_000_000) })).ended).toBe('well')
})

test('it leaves nothing behind that listens', async () => {
  const before = process.listenerCount('exit')
  await node('')
  expect(process.listenerCount('exit')).toBe(before)
})
