import { quoteRemote } from '../codex/remote-text.ts'

/** A file's name within a sentence of ours: as it is when it is plain, else in quotation marks and made harmless. */
export function shownName(name: string): string {
  return /^[\p{L}\p{N}._/@+~()[\]{}:,=#%-]{1,120}$/u.test(name) ? name : quoteRemote(name, 120)
}
