import { spawnSync } from 'node:child_process'
import { closeSync, openSync, rmSync, writeSync } from 'node:fs'
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

/** A small disk in memory: a real one, so only root can have it. Undefined where there is none. */
export function smallDisk(): Disk | undefined {
  if (process.getuid?.() !== 0 || spawnSync('mount', ['--version'], { stdio: 'ignore' }).status !== 0) return undefined
  let filler = ''
  return {
    mount(folder) {
      const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${BYTES},mode=700`, 'none', folder])
      if (status !== 0) return () => {}
      filler = join(folder, 'filler')
      return () => {
        filler = ''
        // Lazily: processes that were just killed may still have files open there.
        spawnSync('umount', ['--lazy', folder])
      }
    },
    fill() {
      if (filler === '') return
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

function writeUntilFull(file: number, step: number): void {
  const piece = Buffer.alloc(step)
  try {
    for (;;) if (writeSync(file, piece) < step) return
  } catch {
    // As wanted.
  }
}
