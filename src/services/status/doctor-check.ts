import { isCodexError } from '../../errors.ts'
import { cancelled } from '../../infrastructure/abort.ts'
import type { Clock } from '../../infrastructure/clock.ts'

/** One line of the report. */
export interface DoctorCheck {
  name: string
  state: 'ok' | 'warning' | 'problem' | 'skipped'
  /** What was found, a sentence. */
  finding: string
  /** What to do about it, a sentence; always there for a warning or a problem. */
  remedy: string | undefined
}

export function ok(name: string, finding: string): DoctorCheck {
  return { name, state: 'ok', finding, remedy: undefined }
}

export function skipped(name: string, finding: string): DoctorCheck {
  return { name, state: 'skipped', finding, remedy: undefined }
}

export function warning(name: string, finding: string, remedy: string): DoctorCheck {
  return { name, state: 'warning', finding, remedy }
}

export function problem(name: string, finding: string, remedy: string): DoctorCheck {
  return { name, state: 'problem', finding, remedy }
}

/** A failure as a line: the sentences of a `CodexError`, of anything else nothing but that it happened. */
export function failed(name: string, error: unknown): DoctorCheck {
  if (!isCodexError(error)) return problem(name, 'The check itself failed unexpectedly.', REPORT_IT)
  return problem(name, `${error.message} [${error.code}]`, error.hint ?? REPORT_IT)
}

const REPORT_IT = 'Run it again; if it happens every time, report it together with these lines.'

/** Runs one check: whatever it throws and however long it takes, there are lines in the end. */
export type Guard = (
  name: string,
  limitMs: number,
  check: (signal: AbortSignal) => DoctorCheck | readonly DoctorCheck[] | Promise<DoctorCheck | readonly DoctorCheck[]>,
) => Promise<readonly DoctorCheck[]>

/** @throws CodexError CANCELLED, from every check that begins or ends after `signal` has aborted */
export function createGuard(clock: Clock, signal: AbortSignal | undefined): Guard {
  return async (name, limitMs, check) => {
    if (signal?.aborted) throw cancelled()
    const limit = new AbortController()
    const over = new AbortController()
    const either = AbortSignal.any([limit.signal, ...(signal === undefined ? [] : [signal])])
    const late = clock.sleep(limitMs, over.signal).then(() => {
      limit.abort()
      const finding = `The check was not over after ${Math.round(limitMs / 1000)} s.`
      return warning(name, finding, 'Run it again: what it had begun goes on by itself.')
    })
    try {
      // Through a promise, so that one that throws at once fails like the others.
      const found = await Promise.race([Promise.resolve(either).then(check), late])
      return Array.isArray(found) ? found : [found as DoctorCheck]
    } catch (error) {
      if (signal?.aborted) throw cancelled()
      return [failed(name, error)]
    } finally {
      over.abort()
    }
  }
}
