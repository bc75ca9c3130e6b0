import { replaceFile, sweepLeftovers } from './atomic-file.ts'
import type { SealingKey } from './key-ring.ts'
import type { RecordFile } from './record-file.ts'
import { orStorageFailed } from './storage-failure.ts'
import { textWith } from './stored-text.ts'
import type { TokenRecord } from './token-record.ts'

export interface Exchange {
  /** What is to be stored in the place of what is there. It may be asked again; its last answer counts. */
  change: (current: TokenRecord | undefined) => TokenRecord | undefined
  /** Write also the very same record, if it lies there in another form than the vault's. */
  displaced?: boolean
}

/**
 * Reads, changes and writes under the lock. Keys are fetched and made outside, because that takes its time: if one is
 * missing inside, the lock is given back and taken again.
 *
 * @throws CodexError STORAGE_LOCKED, STORAGE_CORRUPT, STORAGE_FAILED
 */
export async function exchangeRecord(
  recordFile: RecordFile,
  { change, displaced = false }: Exchange,
): Promise<TokenRecord | undefined> {
  const { place, vault, now } = recordFile
  const path = recordFile.prepare()
  let fresh: SealingKey | undefined
  let gone: unknown

  /** Without a pause in which another process could come between. */
  function attempt(): 'untried' | 'keyless' | { stored: TokenRecord | undefined } {
    const { text, sealed, form } = recordFile.read()
    // Another process has just stored it under another key.
    if (vault.isUntried(sealed)) return 'untried'
    const current = recordFile.recordIn(text, path)
    const next = change(current)
    const stays = !displaced || form === vault.form || current?.unopened !== undefined
    if (next === current && stays) return { stored: current }
    const edited = textWith(text, next, { file: path, place, vault, fresh })
    if (edited === undefined) return 'keyless'
    const stored = recordFile.recordIn(edited, path)
    orStorageFailed(path, 'written', () => replaceFile(path, edited))
    gone = sealed
    sweepLeftovers(path, now())
    return { stored }
  }

  try {
    while (true) {
      await recordFile.unlock()
      const outcome = await recordFile.locked(attempt)
      if (outcome === 'keyless') fresh = await vault.newKey()
      else if (outcome !== 'untried') return outcome.stored
    }
  } finally {
    await recordFile.tidy(gone, fresh)
  }
}
