import { chmodSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { smallDisk } from '../scripts/chaos-disk.ts'
import { systemCallsIn } from '../scripts/chaos-strace.ts'
import { createChance, createTally, need } from '../scripts/chaos-tally.ts'
import { hasDisks } from './support/child.ts'
import { tempFolder } from './support/temp-folder.ts'

const isWindows = process.platform === 'win32'

afterEach(() => {
  vi.unstubAllEnvs()
})

test('the same seed gives the same chance', () => {
  const drawn = (seed: number) => {
    const chance = createChance(seed)
    return [chance.next(), chance.between(1, 1000), chance.pick(['a', 'b', 'c']), chance.shuffled([1, 2, 3, 4, 5])]
  }
  expect(drawn(4)).toEqual(drawn(4))
  expect(drawn(4)).not.toEqual(drawn(5))
})

test('what a judge throws is a loss', async () => {
  const tally = createTally()
  await tally.inject('kept', async () => need(true, 'never'))
  await tally.inject('broken', async () => need(false, 'it is gone'))
  tally.count(3, ['one of three'])
  expect([tally.injected, tally.survived, tally.lost]).toEqual([5, 3, ['broken: it is gone', 'one of three']])
})

const LOG = `execve("/usr/bin/node", ["node"], 0x7ffd /* 9 vars */) = 0
openat(AT_FDCWD, "/lib/libc.so", O_RDONLY) = 3
mkdir("/home/x/auth.json.lock", 0777) = 0
futex(0x1, FUTEX_WAKE_PRIVATE, 1) = 1
openat(AT_FDCWD, "/home/x/auth.json.tmp.1", O_WRONLY|O_CREAT|O_EXCL, 0600) = 20
write(20, "{}", 2) = 2
rmdir("/home/x/auth.json.lock") = 0
write(1, "stored", 6) = 6
+++ exited with 0 +++
`

test('the system calls of a store, each by its name and number in the life of the process', () => {
  const calls = [
    { name: 'mkdir', nth: 1, place: 1 },
    { name: 'openat', nth: 2, place: 2 },
    { name: 'write', nth: 1, place: 3 },
    { name: 'rmdir', nth: 1, place: 4 },
  ]
  expect(systemCallsIn(LOG, 'auth.json.lock"')).toEqual(calls)
  const killed = `${LOG.slice(0, LOG.indexOf('write(20'))}write(20, "{}", 2 <unfinished ...>) = ?\n+++ killed by SIGKILL +++\n`
  expect(systemCallsIn(killed, 'auth.json.lock"')).toEqual(calls.slice(0, 3))
  expect(systemCallsIn('openat(AT_FDCWD, "/lib/libc.so", O_RDONLY) = 3\n', 'auth.json.lock"')).toEqual([])
})

/** In the place of `mount`, as root has it in most containers: it tells its version and mounts only as often as that. */
function mountThatMounts(times: number): void {
  const folder = tempFolder()
  const script = `#!/bin/sh
[ "$1" = --version ] && exit 0
echo >> "$0.runs"
[ "$(wc -l < "$0.runs")" -le ${times} ]
`
  for (const [name, text] of [
    ['mount', script],
    ['umount', '#!/bin/sh\n'],
  ] as const) {
    writeFileSync(join(folder, name), text)
    chmodSync(join(folder, name), 0o755)
  }
  vi.stubEnv('PATH', `${folder}${delimiter}${process.env.PATH}`)
}

test.skipIf(isWindows)('there is no disk to fill where none can be mounted', () => {
  mountThatMounts(0)
  expect(smallDisk()).toBeUndefined()
})

test.skipIf(isWindows)('a disk that cannot be mounted later is no disk that is never full', () => {
  mountThatMounts(1)
  expect(() => smallDisk()?.mount(tempFolder())).toThrow('no disk could be put on')
})

test.runIf(hasDisks)('a disk is full, and has room again', () => {
  const folder = tempFolder()
  const disk = smallDisk()
  const unmount = disk?.mount(folder)
  const hasRoom = () => {
    const file = join(folder, 'more')
    try {
      writeFileSync(file, '1234')
      return true
    } catch {
      return false
    } finally {
      rmSync(file, { force: true })
    }
  }
  try {
    expect(hasRoom()).toBe(true)
    disk?.fill()
    expect(hasRoom()).toBe(false)
    disk?.free()
    expect(hasRoom()).toBe(true)
  } finally {
    unmount?.()
  }
})
