import { type CodexError, isCodexError, reworded } from '../../errors.ts'
import type { LoginRoute } from './login-route.ts'

/**
 * The same error, with a hint that names this login where it named none: a plain `codex_login` of a later moment, or of
 * another process, may be about another one.
 */
export function namingLogin<Thrown>(error: Thrown, { call }: Pick<LoginRoute, 'call'>): Thrown | CodexError {
  if (!isCodexError(error) || error.hint === undefined) return error
  const hint = error.hint.replace(BARE, call)
  if (hint === error.hint) return error
  return reworded(error, { hint })
}

/** Not in front of what it is called with, nor where it stands for what it shows. */
const BARE = /\bcodex_login\b(?! (?:with|as|tells)\b)/g
