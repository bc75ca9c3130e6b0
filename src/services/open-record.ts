import type { CredentialsSight, StoredTokens, TokenStorage } from '../infrastructure/token-storage.ts'

export type OpenableStorage = Pick<TokenStorage, 'unlock' | 'read'>

/**
 * What is stored, opened if this process can open it. Another process may store it under another key between getting
 * the key and reading: then once more.
 *
 * @throws CodexError STORAGE_CORRUPT, STORAGE_FAILED
 */
export async function openRecord(storage: OpenableStorage): Promise<StoredTokens> {
  while (true) {
    await storage.unlock()
    const stored = storage.read()
    if (stored.unopened?.untried !== true) return stored
  }
}

/**
 * The same of several records in one file, by one look at it, unless there is something to open: getting a key takes
 * its time, and all are looked at again after it. A damaged record is rejected alone.
 *
 * @throws as `look`
 */
export async function openRecords(
  storages: readonly OpenableStorage[],
  look: () => CredentialsSight,
): Promise<PromiseSettledResult<StoredTokens>[]> {
  for (let opened = false; ; opened = true) {
    const sight = look()
    const found = await Promise.allSettled(storages.map(async (storage) => storage.read(sight)))
    const closed = storages.filter((_, index) => isClosed(found[index], opened))
    if (closed.length === 0) return found
    await Promise.all(closed.map((storage) => storage.unlock()))
  }
}

/** What was tried and stays closed is not tried again. */
function isClosed(found: PromiseSettledResult<StoredTokens> | undefined, opened: boolean): boolean {
  if (found?.status !== 'fulfilled') return false
  const { isClosed: closed = false, unopened } = found.value
  return opened ? unopened?.untried === true : closed
}
