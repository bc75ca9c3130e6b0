import { CodexError } from '../errors.ts'

/** Which changes are meant. */
export type DiffRequest =
  | { kind: 'staged' }
  /** Everything that is not committed, new files too. */
  | { kind: 'working' }
  /** The files as they lie there, against a revision. */
  | { kind: 'since'; revision: string }
  /** From one revision to another; with `fork`, from where their ways parted. */
  | { kind: 'between'; from: string; to: string; fork: boolean }

/**
 * What a diff argument asks for: `staged`, `working`, `main..HEAD`, `main...HEAD`, or one revision. It is checked before git
 * sees it: what begins with a dash would be an option.
 *
 * @throws CodexError INPUT_INVALID
 */
export function readDiffArgument(text: string): DiffRequest {
  if (text === 'staged' || text === 'working') return { kind: text }
  const [, from = '', dots, to = ''] = /^(.*?)(\.{2,3})(.*)$/s.exec(text) ?? []
  if (dots === undefined) return { kind: 'since', revision: revisionIn(text) }
  if (from === '' && to === '') throw notADiff()
  return {
    kind: 'between',
    from: from === '' ? 'HEAD' : revisionIn(from),
    to: to === '' ? 'HEAD' : revisionIn(to),
    fork: dots === '...',
  }
}

const MAX_LENGTH = 200

/** A colon would name a file in a revision, and a caret in front leave one out. */
function revisionIn(text: string): string {
  if (text.length > MAX_LENGTH || text.includes('..')) throw notADiff()
  if (!/^[\p{L}\p{N}_@][\p{L}\p{N}_@./{}~^+#%=,-]*$/u.test(text)) throw notADiff()
  return text
}

function notADiff(): CodexError {
  return new CodexError('INPUT_INVALID', 'diff is neither a range nor a revision, and not "staged" or "working".', {
    hint: 'Use "staged", "working", a range like "main..HEAD" or "main...HEAD", or one revision like "HEAD~3".',
  })
}
