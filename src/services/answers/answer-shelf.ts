import { CodexError } from '../../errors.ts'
import type { JournalContent, JournalFolder } from '../../infrastructure/journal-folder.ts'
import { lifeOf } from '../../infrastructure/process-identity.ts'
import { newOutline, type Outline, readLine } from './answer-lines.ts'
import { type KeptAnswer, surplusOf } from './answer-surplus.ts'
import type { Standing } from './answer-view.ts'
import { createGrowingText, type GrowingText } from './growing-text.ts'
import { MAX_CHARACTERS } from './running-answer.ts'

/** The answers on disk, of all windows. */
export interface AnswerShelf {
  /** @throws CodexError STORAGE_CORRUPT, STORAGE_FAILED */
  read(id: string): (Standing & { text: GrowingText }) | undefined
  /** Without the text; undefined for what cannot be read. */
  glance(id: string): Standing | undefined
  /** The ids of all there are. */
  ids(): string[]
  /** Removes what there is no room for. What `isLive` is left alone: it is known to run, and its file need not be read. */
  makeRoom(isLive: (id: string) => boolean): void
}

/** The process of another container cannot be seen: without a word for so long it is taken for dead. */
const UNSEEN_MS = 15 * 60_000

export function createAnswerShelf({ journals, now }: { journals: JournalFolder; now: () => number }): AnswerShelf {
  const ids = () => journals.names().filter(isAnswerId)

  function stillRuns({ head, end }: Outline, changedAt: number): boolean {
    if (end !== undefined) return false
    const life = head === undefined ? 'unknown' : lifeOf(head.owner)
    return life === 'unknown' ? now() - changedAt <= UNSEEN_MS : life === 'alive'
  }

  /** What a file tells, readable or not. */
  function foundIn({ lines, bytes, changedAt }: JournalContent, text?: GrowingText) {
    const outline = newOutline()
    for (const line of lines) {
      const found = readLine(outline, line)
      if (found !== undefined) text?.put(found.from, found.text)
    }
    return { outline, bytes, changedAt, isRunning: stillRuns(outline, changedAt) }
  }

  function glance(id: string): Standing | undefined {
    const content = isAnswerId(id) ? journals.glance(id) : undefined
    return content && standingIn(foundIn(content), id)
  }

  /** As it counts when room is made. One whose beginning cannot be read is as old as its file. */
  function kept(id: string): KeptAnswer[] {
    const content = journals.glance(id)
    if (content === undefined) return []
    const { outline, bytes, changedAt, isRunning } = foundIn(content)
    return [{ id, bytes, isRunning, startedAt: outline.head?.startedAt ?? changedAt }]
  }

  return {
    read(id) {
      const content = isAnswerId(id) ? journals.read(id) : undefined
      if (content === undefined) return undefined
      const text = createGrowingText(MAX_CHARACTERS)
      const found = foundIn(content, text)
      const standing = standingIn(found, id)
      if (standing === undefined) throw unreadable(id, found.outline)
      return { ...standing, text }
    },
    glance,
    ids,
    makeRoom(isLive) {
      const others = ids().filter((id) => !isLive(id))
      for (const id of surplusOf(others.flatMap(kept), now())) journals.remove(id)
    },
  }
}

/** Whether a text can be the id of an answer. */
export function isAnswerId(text: string): boolean {
  return /^a-[0-9a-z]{10}$/.test(text)
}

function standingIn(found: Pick<Standing, 'outline' | 'isRunning'>, id: string): Standing | undefined {
  const { outline, isRunning } = found
  const { head } = outline
  return head?.id === id ? { head, outline, isRunning, isKept: true } : undefined
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
