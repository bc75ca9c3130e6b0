import { getEventListeners } from 'node:events'
import { expect, onTestFinished, test } from 'vitest'
import { type ProgramOptions, runProgram } from '../../src/infrastructure/run-program.ts'

const node = (script: string, options: Partial<ProgramOptions> = {}) =>
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
  const { signal } = new AbortController()
  await node('', { signal })
  expect(process.listenerCount('exit')).toBe(before)
  expect(getEventListeners(signal, 'abort')).toEqual([])
})

test('one that writes more than it may is killed, and how much that is can be said', async () => {
  const script = 'process.stdout.write("x".repeat(2_000_000))'
  expect((await node(script)).ended).toBe('large')
  expect(await node(script, { maxBytes: 2_000_000 })).toEqual({ output: 'x'.repeat(2_000_000), ended: 'well' })
})

test('it is killed when the caller cancels, also before it has begun', async () => {
  const controller = new AbortController()
  const running = node('setInterval(() => {}, 1000)', { signal: controller.signal })
  controller.abort()
  expect((await running).ended).toBe('late')
  expect((await node('setInterval(() => {}, 1000)', { signal: AbortSignal.abort() })).ended).toBe('late')
})

test('it runs in the folder it is given, without the variables that are held back', async () => {
  process.env.FAKE_HELD_BACK = 'x'
  process.env.OTHER_FAKE = 'y'
  const script = 'process.stdout.write([process.cwd(), process.env.FAKE_HELD_BACK, process.env.OTHER_FAKE].join())'
  expect((await node(script, { folder: '/', withoutEnv: /^FAKE_/ })).output).toBe('/,,y')
  delete process.env.FAKE_HELD_BACK
  delete process.env.OTHER_FAKE
})

test('a dozen at once are nothing that Node would warn of', async () => {
  const warnings: string[] = []
  const hear = ({ message }: Error) => void warnings.push(message)
  process.on('warning', hear)
  onTestFinished(() => void process.off('warning', hear))
  await Promise.all(Array.from({ length: 12 }, () => node('')))
  expect(warnings).toEqual([])
})
