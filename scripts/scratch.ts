import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** An empty folder that goes when this process does, if nobody else still writes into it. */
export function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'codex-oauth-'))
  process.once('exit', () => {
    try {
      rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
    } catch {
      // What was looked at stands; the system clears its temporary folder.
    }
  })
  return folder
}
