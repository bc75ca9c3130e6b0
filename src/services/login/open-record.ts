import type { CredentialsSnapshot, StoredTokens, TokenStorage } from '../../infrastructure/token-storage.ts'

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
 * The same of several records in one file, by one snapshot of it, unless there is something to open: getting a key takes
 * its time, and all are read again after it. A damaged record is rejected alone.
 *
 * @throws as `takeSnapshot`
 */
export async function openRecords(
  storages: readonly OpenableStorage[],
  takeSnapshot: () => CredentialsSnapshot,
): Promise<PromiseSettledResult<StoredTokens>[]> {
  const read = () => {
    const snapshot = takeSnapshot()
    return storages.map((storage) => readOne(storage, snapshot))
  }
  let found = read()
  let locked = storages.filter((_, index) => storedIn(found[index])?.needsUnlock)
  while (locked.length > 0) {
    await Promise.all(locked.map((storage) => storage.unlock()))
    found = read()
    // What was tried and stays closed is not tried again.
    locked = storages.filter((_, index) => storedIn(found[index])?.unopened?.untried)
  }
  return found
}

function readOne(storage: OpenableStorage, snapshot: CredentialsSnapshot): PromiseSettledResult<StoredTokens> {
  try {
    return { status: 'fulfilled', value: storage.read(snapshot) }
  } catch (reason) {
    return { status: 'rejected', reason }
  }
}

function storedIn(result: PromiseSettledResult<StoredTokens> | undefined): StoredTokens | undefined {
  return result?.status === 'fulfilled' ? result.value : undefined
}
