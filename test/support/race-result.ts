import { type Field, type FieldOptions, openField } from './race-field.ts'
import type { ToolAnswer } from './race-server.ts'

/** How a race ended: its figures, and each figure that was missed. */
export interface RaceResult {
  name: string
  processes: number
  rounds: number
  /** Refreshes that reached the issuer. */
  requests: number
  /** Refresh tokens spent twice. */
  reuse: number
  /** Logins that could never be renewed again. */
  lost: number
  notes: readonly string[]
  missed: readonly string[]
}

export interface Score {
  rounds: number
  lost: number
  note(text: string): void
  /** The figure named is missed unless it holds. */
  expect(holds: boolean, figure: string): void
  /** All these calls were answered, without an error. */
  expectAnswers(answers: readonly ToolAnswer[], when: string): void
}

/** Runs a race on a field of its own, which is cleared away afterwards in any case. */
export async function runRace(
  name: string,
  options: FieldOptions,
  race: (field: Field, score: Score) => Promise<void>,
): Promise<RaceResult> {
  const notes: string[] = []
  const missed: string[] = []
  const score: Score = {
    rounds: 0,
    lost: 0,
    note: (text) => void notes.push(text),
    expect: (holds, figure) => {
      if (!holds) missed.push(figure)
    },
    expectAnswers(answers, when) {
      const codes = new Set(answers.flatMap(({ isError, code, text }) => (isError ? `${code} ${text}`.trim() : [])))
      score.expect(codes.size === 0, `${when}: ${[...codes].join(', ')}`)
    },
  }
  const { processes, route = 'codex' } = options
  const field = await openField(options)
  try {
    await race(field, score)
    const strays = field.servers.flatMap((server) => server.strays)
    score.expect(strays.length === 0, `stdout carried something else than frames: ${strays[0]}`)
    const { rounds, lost } = score
    const title = route === 'codex' ? name : `${name} (${route})`
    const figures = { requests: field.refreshes(), reuse: field.at.reuses(), lost }
    return { name: title, processes, rounds, ...figures, notes, missed }
  } finally {
    await field.close()
  }
}
