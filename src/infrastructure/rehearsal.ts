import { putInPlace, reserveSpace, writeTemp } from './atomic-file.ts'
import { removeQuietly } from './clean-up.ts'
import type { SealingKey } from './key-ring.ts'
import { onProcessEnd } from './process-end.ts'
import type { RecordFile } from './record-file.ts'
import { orStorageFailed } from './storage-failure.ts'
import { textWith } from './stored-text.ts'
import { NO_RECORD } from './token-record.ts'

/** Tokens grow: what is stored next may need more room than what is there. */
const MUCH_LONGER = { accessToken: 'x'.repeat(16_384) }

/**
 * Does everything that storing a record does, but with what is there. All but the last step happens before the lock
 * is taken: a process that is killed while it rehearses would leave the lock to the others.
 *
 * @throws CodexError STORAGE_LOCKED, STORAGE_CORRUPT, STORAGE_FAILED
 */
export async function rehearseStoring(recordFile: RecordFile): Promise<void> {
  const { place, vault } = recordFile
  const path = recordFile.prepare()
  let { text } = await recordFile.unlock()
  let fresh: SealingKey | undefined
  const canSeal = () => {
    const longer = { ...(recordFile.recordIn(text, path) ?? NO_RECORD), ...MUCH_LONGER }
    return textWith(text, longer, { file: path, place, vault, fresh }) !== undefined
  }
  try {
    while (!canSeal()) {
      fresh = await vault.newKey()
      text = (await recordFile.unlock()).text
    }
    orStorageFailed(path, 'written', () => reserveSpace(path))
    await writeAgain(recordFile, path, text)
  } finally {
    await recordFile.tidy(undefined, fresh)
  }
}

/** Nothing but comparing and renaming happens under the lock. */
async function writeAgain(recordFile: RecordFile, path: string, text: string | undefined): Promise<void> {
  if (text === undefined) return recordFile.locked(() => {})
  const temp = orStorageFailed(path, 'written', () => writeTemp(path, text))
  const remove = () => removeQuietly(temp)
  // A process that is told to end while somebody else holds the lock does not wait for its turn.
  const takeBack = onProcessEnd(remove)
  try {
    await recordFile.locked(() => {
      // What others have stored since must not be undone by a mere rehearsal.
      if (recordFile.read().text === text) orStorageFailed(path, 'written', () => putInPlace(temp, path))
    })
  } finally {
    takeBack()
    remove()
  }
}
