import type { StoredTokens, TokenStorage } from '../infrastructure/token-storage.ts'

/**
 * What is stored, opened if this process can open it. Another process may store it under another key between getting
 * the key and reading: then once more.
 *
 * @throws CodexError STORAGE_CORRUPT, STORAGE_FAILED
 */
export async function openRecord(storage: Pick<TokenStorage, 'unlock' | 'read'>): Promise<StoredTokens> {
  while (true) {
    await storage.unlock()
    const stored = storage.read()
    if (stored.unopened?.untried !== true) return stored
  }
}
