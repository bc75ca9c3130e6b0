import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

let folder: string | undefined

/** A folder for the files of all cases, made when it is first needed and gone when the process ends. */
function scratchFolder(): string {
  folder ??= made()
  return folder
}

function made(): string {
  const path = mkdtempSync(join(realpathSync(tmpdir()), 'codex-oauth-fuzz-'))
  process.once('exit', () => rmSync(path, { recursive: true, force: true }))
  return path
}

let last = 0

/** A path below it that nothing has been at. */
export function freshPath(name = 'x'): string {
  last += 1
  return join(scratchFolder(), `${last}-${name}`)
}

/** Takes away what a case has left. */
export function discard(path: string): void {
  rmSync(path, { recursive: true, force: true })
}
