import { CodexError } from '../errors.ts'
import type { JournalContent, JournalFolder } from '../infrastructure/journal-folder.ts'
import { lifeOf } from '../infrastructure/process-identity.ts'
import { newOutline, type Outline, readLine } from './answer-lines.ts'
import { type KeptAnswer, surplusOf } from './answer-surplus.ts'
import type { Standing } from './answer-view.ts'
import { createGrowingText, type GrowingText } from './growing-text.ts'
import { MAX_CHARACTERS } from './running-answer.ts'

/** An answer as its file tells it. */
export interface ShelvedAnswer extends Standing {
  bytes: number
}

/** The answers on disk, of all windows. */
export interface AnswerShelf {
  /** @throws CodexError STORAGE_CORRUPT, STORAGE_FAILED */
  read(id: string): (ShelvedAnswer & { text: GrowingText }) | undefined
  /** Without the text; undefined for what cannot be read. */
  glance(id: string): ShelvedAnswer | undefined
  /** The ids of all there are. */
  ids(): string[]
  /** Removes what there is no room for beside one more, but for what another window has written to just now. */
  prune(): void
  /** Says that an answer is one of this process, which knows without reading its file how it stands. */
  own(id: string, startedAt: number): void
  /** Says that such an answer has been written down to its end. */
  ended(id: string): void
}

/** The process of another container cannot be seen: without a word for so long it is taken for dead. */
const UNSEEN_MS = 15 * 60_000
/**
 * What another window has written to within this time is left alone, and not even read: where many windows ask at the
 * same moment, each would read what all of them have just begun.
 */
const FRESH_MS = 5_000

export function createAnswerShelf({ journals, now }: { journals: JournalFolder; now: () => number }): AnswerShelf {
  const ids = () => journals.names().filter(isAnswerId)
  /** What is known of those that are over. Their files change no more, and to look at each before every question costs. */
  const over = new Map<string, KeptAnswer>()
  /** Until when those of other windows are left alone. */
  const fresh = new Map<string, number>()
  let lookedAt = Number.NEGATIVE_INFINITY
  const ours = new Map<string, Pick<KeptAnswer, 'startedAt' | 'isRunning'>>()

  function isRunning({ head, end }: Outline, changedAt: number): boolean {
    if (end !== undefined) return false
    const life = head === undefined ? 'unknown' : lifeOf(head.owner)
    return life === 'unknown' ? now() - changedAt <= UNSEEN_MS : life === 'alive'
  }

  function shelved(content: JournalContent, text?: GrowingText): ShelvedAnswer | { outline: Outline } {
    const outline = newOutline()
    for (const line of content.lines) {
      const found = readLine(outline, line)
      if (found !== undefined) text?.put(found.from, found.text)
    }
    const { head } = outline
    const { bytes, changedAt } = content
    return head === undefined
      ? { outline }
      : { head, outline, bytes, isRunning: isRunning(outline, changedAt), isKept: true }
  }

  function glance(id: string): ShelvedAnswer | undefined {
    const content = isAnswerId(id) ? journals.glance(id) : undefined
    const found = content && shelved(content)
    return found !== undefined && 'head' in found && found.head.id === id ? found : undefined
  }

  function kept(id: string): KeptAnswer[] {
    const known = over.get(id)
    if (known !== undefined) return [known]
    const leftMs = (fresh.get(id) ?? 0) - now()
    // More is left only where the clock was set back.
    if (leftMs > 0 && leftMs <= 2 * FRESH_MS) return []
    const own = ours.get(id)
    if (own === undefined && isFresh(id)) return []
    const file = own && journals.stat(id)
    return own === undefined ? judged(id) : file === undefined ? [] : [remember({ id, bytes: file.bytes, ...own })]
  }

  /** Whether nothing is to be asked of it for a while. What was not there a moment ago is not even looked at. */
  function isFresh(id: string): boolean {
    if (fresh.has(id)) return false
    const changedAt = now() - lookedAt < FRESH_MS ? now() : journals.stat(id)?.changedAt
    if (changedAt === undefined || Math.abs(now() - changedAt) >= FRESH_MS) return false
    fresh.set(id, changedAt + FRESH_MS)
    return true
  }

  /** One that cannot be read is as old as its file. */
  function judged(id: string): KeptAnswer[] {
    const content = journals.glance(id)
    if (content === undefined) return []
    const { bytes, changedAt } = content
    const found = shelved(content)
    const { head, end } = found.outline
    const running = isRunning(found.outline, changedAt)
    const answer = { id, bytes, startedAt: head?.startedAt ?? changedAt, isRunning: running }
    return [head !== undefined && end !== undefined ? remember(answer) : answer]
  }

  function remember(answer: KeptAnswer): KeptAnswer {
    if (!answer.isRunning) over.set(answer.id, answer)
    return answer
  }

  return {
    read(id) {
      const content = isAnswerId(id) ? journals.read(id) : undefined
      if (content === undefined) return undefined
      const text = createGrowingText(MAX_CHARACTERS)
      const found = shelved(content, text)
      if (!('head' in found) || found.head.id !== id) throw unreadable(id, found.outline)
      return { ...found, text }
    },
    glance,
    ids,
    prune() {
      const there = new Set(ids())
      for (const known of [over, fresh, ours]) for (const id of known.keys()) if (!there.has(id)) known.delete(id)
      for (const id of surplusOf([...there].flatMap(kept), now())) journals.remove(id)
      lookedAt = now()
    },
    own: (id, startedAt) => void ours.set(id, { startedAt, isRunning: true }),
    ended(id) {
      const own = ours.get(id)
      if (own !== undefined) ours.set(id, { ...own, isRunning: false })
    },
  }
}

/** Whether a text can be the id of an answer. */
export function isAnswerId(text: string): boolean {
  return /^a-[0-9a-z]{10}$/.test(text)
}

function unreadable(id: string, { isNewer }: Outline): CodexError {
  if (isNewer) {
    return new CodexError('STORAGE_CORRUPT', `The answer ${id} was kept by a newer version of this program.`, {
      hint: 'Collect it with that version, or ask again.',
    })
  }
  return new CodexError('STORAGE_CORRUPT', `The file of the answer ${id} is damaged: its beginning cannot be read.`, {
    hint: 'Ask again.',
  })
}
