import { spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A disk that can be made full, and have room again. */
export interface Disk {
  /** Puts a folder on it; what that returns undoes it. */
  mount(folder: string): () => void
  fill(): void
  free(): void
}

const BYTES = 4 * 1_048_576
const STEPS = [65_536, 4096, 512, 1]

/**
 * A small disk in memory: a real one. Undefined where there can be none: most systems give it to root only, and most
 * containers not even to root.
 */
export function smallDisk(): Disk | undefined {
  if (!isMountable()) return undefined
  let filler = ''
  return {
    mount(folder) {
      if (!mounts(folder)) throw new Error(`no disk could be put on ${folder}`)
      filler = join(folder, 'filler')
      return () => {
        filler = ''
        unmount(folder)
      }
    },
    fill() {
      const file = openSync(filler, 'w')
      try {
        for (const step of STEPS) writeUntilFull(file, step)
      } finally {
        closeSync(file)
      }
    },
    free: () => void (filler === '' || rmSync(filler, { force: true })),
  }
}

function isMountable(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'codex-oauth-'))
  try {
    const isMounted = mounts(folder)
    if (isMounted) unmount(folder)
    return isMounted
  } finally {
    rmdirSync(folder)
  }
}

function mounts(folder: string): boolean {
  const args = ['-t', 'tmpfs', '-o', `size=${BYTES},mode=700`, 'none', folder]
  return spawnSync('mount', args, { stdio: 'ignore' }).status === 0
}

/** Lazily: processes that were just killed may still have files open there. */
function unmount(folder: string): void {
  spawnSync('umount', ['--lazy', folder], { stdio: 'ignore' })
}

function writeUntilFull(file: number, step: number): void {
  const piece = Buffer.alloc(step)
  try {
    for (;;) if (writeSync(file, piece) < step) return
  } catch {
    // As wanted.
  }
}
