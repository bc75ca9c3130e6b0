import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { lifeOf, thisPlace, thisProcess } from '../../src/infrastructure/process-identity.ts'
import { tempFolder } from '../support/temp-folder.ts'

const platforms = ['linux', 'darwin', 'win32'] as const

test.each(platforms)('this process is alive in its own eyes, asked the way of %s', (platform) => {
  const self = thisProcess(platform)
  expect(self.pid).toBe(process.pid)
  expect(lifeOf(self, platform)).toBe('alive')
})

test.each(platforms)('a process that has ended is dead, asked the way of %s', (platform) => {
  const { pid } = spawnSync(process.execPath, ['-e', ''])
  expect(lifeOf({ pid, place: thisPlace(platform) }, platform)).toBe('dead')
})

test.runIf(process.platform !== 'win32').each(['linux', 'darwin'] as const)(
  'a pid that was given out again is dead, asked the way of %s',
  (platform) => {
    const self = thisProcess(platform)
    expect(self.startTime).toBeDefined()
    expect(lifeOf({ ...self, startTime: 'another time' }, platform)).toBe('dead')
    expect(lifeOf({ ...self, startTime: undefined }, platform)).toBe('alive')
  },
)

test('an owner from another place is never judged by its pid', () => {
  const { pid } = spawnSync(process.execPath, ['-e', ''])
  expect(lifeOf({ pid, place: 'another machine' })).toBe('unknown')
  expect(lifeOf({ ...thisProcess(), place: 'another machine' })).toBe('unknown')
})

test('a process of another user is alive', () => {
  expect(lifeOf({ pid: 1, place: thisPlace() })).toBe('alive')
})

test.runIf(process.platform === 'linux')('a name full of parentheses does not shift the start time', async () => {
  const program = join(tempFolder(), 'a) S 1 (b')
  copyFileSync('/bin/sleep', program)
  const child = spawn(program, ['60'])
  onTestFinished(() => void child.kill())
  await once(child, 'spawn')
  const stat = readFileSync(`/proc/${child.pid}/stat`, 'utf8')
  const startTime = stat
    .trim()
    .split(' ')
    .at(22 - 1 + 4 - 1)
  expect(lifeOf({ pid: child.pid ?? 0, startTime, place: thisPlace() })).toBe('alive')
})

test.runIf(process.platform === 'linux')('a zombie is dead although signals reach it', async () => {
  // The shell turns into a second `sleep`, which never asks how its child ended.
  const parent = spawn('sh', ['-c', 'sleep 60 & echo $!; exec sleep 61'], { stdio: ['ignore', 'pipe', 'ignore'] })
  onTestFinished(() => void parent.kill())
  const [line] = await once(parent.stdout, 'data')
  const pid = Number(String(line))
  await expect.poll(() => readFileSync(`/proc/${parent.pid}/comm`, 'utf8')).toBe('sleep\n')
  process.kill(pid, 'SIGKILL')
  await expect.poll(() => readFileSync(`/proc/${pid}/stat`, 'utf8')).toContain(') Z ')
  expect(process.kill(pid, 0)).toBe(true)
  expect(lifeOf({ pid, place: thisPlace() }, 'linux')).toBe('dead')
})
