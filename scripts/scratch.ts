import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const folders: string[] = []

/** An empty folder that goes when this process does, if nobody else still writes into it. */
export function scratch(): string {
  // One listener for all of them: Node warns of more than ten.
  if (folders.length === 0) process.once('exit', removeAll)
  const folder = mkdtempSync(join(tmpdir(), 'codex-oauth-'))
  folders.push(folder)
  return folder
}

function removeAll(): void {
  for (const folder of folders) {
    try {
      rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
    } catch {
      // What was looked at stands; the system clears its temporary folder.
    }
  }
}
