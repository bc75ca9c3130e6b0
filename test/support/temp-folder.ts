import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** A folder of this test alone, without links in its path, gone when the test is over. */
export function tempFolder(): string {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'codex-oauth-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
