import { execFileSync } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { SERVER_FILE } from './race-server.ts'

const root = join(import.meta.dirname, '..', '..')

/** Builds the server where it is missing, or older than what it is built from: for scripts, which nobody builds for. */
export function ensureBuilt(): void {
  if (isStale()) execFileSync(process.execPath, ['scripts/build.mjs'], { cwd: root, stdio: 'inherit' })
}

function isStale(): boolean {
  const changedAt = (file: string) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0
  const builtAt = changedAt(SERVER_FILE)
  const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  return sources.some((name) => changedAt(join(root, 'src', name)) > builtAt)
}
