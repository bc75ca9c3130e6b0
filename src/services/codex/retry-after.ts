const HOUR_MS = 3_600_000

/**
 * `Retry-After` as milliseconds from now (RFC 9110, section 10.2.3): seconds or a date; a past date means now, more
 * than an hour means an hour, anything else nothing.
 */
export function retryAfterMs(headers: Headers, nowMs: number): number | undefined {
  const value = headers.get('retry-after')?.trim()
  if (!value) return undefined
  const ms = /^\d+(\.\d+)?$/.test(value) ? Number(value) * 1000 : readDate(value) - nowMs
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), HOUR_MS)
}

/** Asked for its form first: Date.parse makes a moment long past out of `-5` or `soon 5`, which would mean now. */
function readDate(value: string): number {
  return / \d\d:\d\d:\d\d GMT$/.test(value) ? Date.parse(value) : Number.NaN
}
