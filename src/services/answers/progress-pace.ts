import type { Clock } from '../../infrastructure/clock.ts'
import type { AnswerProgress } from '../codex/answer-progress.ts'

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
/** A service that changes its mind thousands of times a second must not flood the client and the disk. */
const MAX_CHANGES_PER_SECOND = 20

/**
 * Tells those who wait how it goes: at once when something changes (of a flood of changes the last one, with the next
 * beat), now and then how much is written, and every five seconds that it still goes on, whatever the service does.
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
  let second = { beganAt: Number.NEGATIVE_INFINITY, changes: 0 }

  function emit(): void {
    toldAt = clock.now()
    onProgress({ ...latest, elapsedMs: Math.max(0, toldAt - startedAt) })
  }

  function isFlood(): boolean {
    if (Math.abs(clock.now() - second.beganAt) >= 1_000) second = { beganAt: clock.now(), changes: 0 }
    second.changes += 1
    return second.changes > MAX_CHANGES_PER_SECOND
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
      if (!over.signal.aborted && (isMore || (isNew && !isFlood()))) emit()
    },
    // Without a reason, one is made, with the stack of this call.
    stop: () => over.abort('over'),
  }
}
