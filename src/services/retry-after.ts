const HOUR_MS = 3_600_000

/**
 * `Retry-After` as milliseconds from now (RFC 9110, section 10.2.3): seconds or a date; a past date means now, more
 * than an hour means an hour, anything else nothing.
 */
export function retryAfterMs(headers: Headers, nowMs: number): number | undefined {
  const value = headers.get('retry-after')?.trim()
  if (!value) return undefined
  const ms = /^\d+(\.\d+)?$/.test(value) ? Number(value) * 1000 : Date.parse(value) - nowMs
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), HOUR_MS)
}
