/** A span of time as people say it, rounded down. */
export function duration(ms: number): string {
  const minutes = Math.floor(ms / 60_000)
  if (minutes >= 2880) return `${Math.floor(minutes / 1440)} days`
  if (minutes >= 120) return `${Math.floor(minutes / 60)} hours`
  if (minutes >= 2) return `${minutes} minutes`
  const seconds = Math.floor(ms / 1000)
  return seconds === 1 ? '1 second' : `${seconds} seconds`
}
