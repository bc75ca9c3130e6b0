/**
 * The code of a system error (`ENOENT`, on Windows also `UNKNOWN`), or undefined for anything else. Codes of
 * packages that follow the form count too (`ELOCKED`); Node's own `ERR_…` and the codes of `CodexError` do not.
 */
export function errnoOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  const { code } = error
  return typeof code === 'string' && /^(?:E[A-Z0-9]+|UNKNOWN)$/.test(code) ? code : undefined
}

/** True for a system error of one of `codes`, or of any code when none is named. */
export function isErrno(error: unknown, ...codes: string[]): boolean {
  const code = errnoOf(error)
  return code !== undefined && (codes.length === 0 || codes.includes(code))
}
