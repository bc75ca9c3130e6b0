/** What counts when room is made. */
export interface KeptAnswer {
  id: string
  startedAt: number
  bytes: number
  /** Whoever asks still lives, as far as can be told. */
  isRunning: boolean
}

const MAX_ANSWERS = 50
const MAX_AGE_MS = 7 * 86_400_000
const MAX_TOTAL_BYTES = 64 * 1024 * 1024

/**
 * The ids of those that have to go: all but the newest, the old ones, and those behind the newest that fill the space.
 * Those that run stay and take no place: many questions at once would push out all that was answered before.
 */
export function surplusOf(answers: readonly KeptAnswer[], now: number): string[] {
  const newestFirst = [...answers].sort((one, other) => other.startedAt - one.startedAt)
  let places = MAX_ANSWERS
  let bytes = MAX_TOTAL_BYTES
  return newestFirst
    .filter(({ isRunning }) => !isRunning)
    .filter((answer) => {
      places -= 1
      bytes -= answer.bytes
      return places < 0 || bytes < 0 || now - answer.startedAt > MAX_AGE_MS
    })
    .map(({ id }) => id)
}
