import type { Clock } from '../infrastructure/clock.ts'
import type { AnswerProgress } from './answer-progress.ts'

export interface TimedProgress extends AnswerProgress {
  /** Since the question was asked, in milliseconds. */
  elapsedMs: number
}

export interface ProgressPace {
  tell(progress: AnswerProgress): void
  /** Nothing is told any more. */
  stop(): void
}

export interface ProgressPaceDeps {
  clock: Clock
  onProgress: (progress: TimedProgress) => void
  /** When the question was asked; now unless told. */
  startedAt?: number
  /** How it stands at first. */
  first?: AnswerProgress
}

/** Clients take ten seconds of silence for a hang. */
const BEAT_MS = 5_000
/** Amounts that come faster cannot be read. */
const AMOUNT_MS = 1_000

/**
 * Tells those who wait how it goes: at once when something changes, now and then how much is written, and every five
 * seconds that it still goes on, whatever the service does.
 */
export function createProgressPace({
  clock,
  onProgress,
  startedAt = clock.now(),
  first = { phase: 'connecting', characters: 0 },
}: ProgressPaceDeps): ProgressPace {
  const over = new AbortController()
  let latest = first
  let toldAt = Number.NEGATIVE_INFINITY

  function emit(): void {
    toldAt = clock.now()
    onProgress({ ...latest, elapsedMs: Math.max(0, toldAt - startedAt) })
  }

  async function beat(): Promise<void> {
    while (!over.signal.aborted) {
      await clock.sleep(BEAT_MS, over.signal).catch(() => {})
      if (!over.signal.aborted) emit()
    }
  }

  emit()
  void beat()
  return {
    tell(progress) {
      const { phase, headline, characters } = progress
      const isNew = phase !== latest.phase || headline !== latest.headline
      const isMore = characters !== latest.characters && Math.abs(clock.now() - toldAt) >= AMOUNT_MS
      latest = progress
      if (!over.signal.aborted && (isNew || isMore)) emit()
    },
    stop: () => over.abort(),
  }
}
