import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startDetached } from '../../src/infrastructure/detached-program.ts'
import { tempFolder } from '../support/temp-folder.ts'

const node = (script: string, input = '') => startDetached(process.execPath, ['-e', script], { input })

test('its first line, with what it was given to read', async () => {
  const script = 'process.stdin.on("data", (text) => process.stdout.write("got " + text + "\\nmore\\n"))'
  expect(await node(script, 'this')).toBe('got this')
})

test.each([
  ['it ends without a line', 'process.stdout.write("half a line")'],
  ['it fails', 'process.exit(3)'],
  [
    'its line has no end',
    'setInterval(() => process.stdout.write("x".repeat(100_000)), 1); process.stdout.on("error", process.exit)',
  ],
])('nothing when %s', async (_, script) => expect(await node(script)).toBeUndefined())

test('nothing when it cannot be started', async () => {
  expect(await startDetached('/nowhere/at/all', [], { input: 'x' })).toBeUndefined()
  expect(await startDetached(process.execPath, ['\0'], { input: 'x' })).toBeUndefined()
})

test('it lives on when the one that started it is killed with all of its process group', async () => {
  const file = join(tempFolder(), 'done')
  const module = new URL('../../src/infrastructure/detached-program.ts', import.meta.url).href
  const work = `setTimeout(() => require("node:fs").writeFileSync(${JSON.stringify(file)}, ""), 300)`
  const script = `
    import { startDetached } from ${JSON.stringify(module)}
    void startDetached(process.execPath, ['-e', ${JSON.stringify(`console.log("up"); ${work}`)}], { input: '' })
      .then(() => process.stdout.write('up'))
    setInterval(() => {}, 1000)`
  const options = ['--import', import.meta.resolve('tsx'), '--input-type=module', '-e', script]
  const parent = spawn(process.execPath, options, { detached: true, stdio: ['ignore', 'pipe', 'inherit'] })
  await once(parent.stdout, 'data')
  process.kill(-(parent.pid ?? 0), 'SIGKILL')
  await once(parent, 'exit')
  expect(existsSync(file)).toBe(false)
  await expect.poll(() => existsSync(file), { timeout: 10_000 }).toBe(true)
})
