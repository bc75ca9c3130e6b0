import type { Clock } from '../../infrastructure/clock.ts'
import { createJournalFolder } from '../../infrastructure/journal-folder.ts'
import { type ProcessIdentity, thisProcess } from '../../infrastructure/process-identity.ts'
import type { AnswerHead } from './answer-lines.ts'
import { createAnswerShelf } from './answer-shelf.ts'
import { surplusOf } from './answer-surplus.ts'
import { type AnswerSummary, type Standing, type StoredAnswer, storedOf, summaryOf } from './answer-view.ts'
import { firstWords } from './prompt-words.ts'
import { createLiveAnswer, type LiveAnswer, type RunningAnswer } from './running-answer.ts'

export interface AnswerStore {
  /** Gives a question its id, and the answer a place to arrive at. Never fails: without a disk, that is in memory. */
  begin(question: { prompt: string; model?: string | undefined; conversation?: string | undefined }): RunningAnswer
  /**
   * An answer of this or of another process; undefined when there is none, whatever `id` is.
   *
   * @throws CodexError STORAGE_CORRUPT it is damaged, or of a newer version; STORAGE_FAILED
   */
  read(id: string): StoredAnswer | undefined
  /** The same without its text, for little; undefined also for one that is damaged. */
  look(id: string): AnswerSummary | undefined
  /** All that can be read, newest first. */
  list(): AnswerSummary[]
  /** Marks all that runs here as interrupted, and writes it down, before it returns. Room that is due is made. */
  stop(): void
}

export interface AnswerStoreDeps {
  /** Made when it is needed. Nothing in it that is not ours is touched. */
  folder: string
  /** False: everything stays in memory, and nothing on disk is looked at. */
  isOn: boolean
  clock: Clock
  randomBytes: (size: number) => Uint8Array
  /** Who asks here. */
  identity?: ProcessIdentity
}

/** Of one answer: a long text in short pieces takes several times its own length. */
const MAX_FILE_BYTES = 48 * 1024 * 1024
/** How long after an answer room is made, and how often at most: it looks at every file. */
const ROOM_AFTER_MS = 3_000

export function createAnswerStore({ folder, isOn, clock, randomBytes, identity }: AnswerStoreDeps): AnswerStore {
  const now = () => clock.now()
  const journals = createJournalFolder({ folder, maxBytes: MAX_FILE_BYTES })
  const shelf = isOn ? createAnswerShelf({ journals, now }) : undefined
  /** What runs here, and what could not be written. */
  const live = new Map<string, LiveAnswer>()
  const over = new AbortController()
  let isRoomDue = false
  let owner = identity

  function newHead(prompt: string, conversation: string | undefined): AnswerHead {
    // Asked when first needed: on macOS it starts a program.
    owner ??= thisProcess()
    return { id: newAnswerId(randomBytes), startedAt: now(), prompt: firstWords(prompt), conversation, owner }
  }

  function forget(id: string): void {
    live.get(id)?.release()
    live.delete(id)
  }

  /** What had no room on the disk when it ended may have some by now; until then the others think that it runs. Newest first. */
  function writeLate(): void {
    for (const [id, { answer, outline }] of [...live].toReversed()) {
      if (outline.end === undefined) continue
      answer.flush()
      if (!answer.isKept) continue
      forget(id)
    }
  }

  /** Not while somebody waits: a question looks at no other answer before it is sent. */
  function makeRoomSoon(): void {
    if (isRoomDue) return
    isRoomDue = true
    void clock.sleep(ROOM_AFTER_MS, over.signal).then(makeRoom, () => {})
  }

  /** In memory as on disk. */
  function makeRoom(): void {
    isRoomDue = false
    writeLate()
    shelf?.makeRoom((id) => live.has(id))
    const inMemory = [...live].map(([id, { head, outline, text }]) => ({
      id,
      startedAt: head.startedAt,
      bytes: 2 * text.length,
      isRunning: outline.end === undefined,
    }))
    for (const id of surplusOf(inMemory, now())) forget(id)
  }

  function summaries(): AnswerSummary[] {
    const onDisk = (shelf?.ids() ?? []).filter((id) => !live.has(id)).flatMap((id) => shelf?.glance(id) ?? [])
    return [...[...live.values()].map(standingOf), ...onDisk].map(summaryOf)
  }

  return {
    begin({ prompt, model, conversation }) {
      writeLate()
      const head = newHead(prompt, conversation)
      const { id } = head
      const onEnd = () => {
        makeRoomSoon()
        if (started.answer.isKept) live.delete(id)
      }
      const onDiscard = () => {
        forget(id)
        // A file that was there before is somebody else's.
        if (started.answer.isKept) journals.remove(id)
      }
      const journal = isOn ? journals.create(id) : undefined
      const started = createLiveAnswer({ head, model, journal, now, onEnd, onDiscard })
      live.set(id, started)
      return started.answer
    },
    read(id) {
      const here = live.get(id)
      if (here !== undefined) return storedOf(standingOf(here), here.text)
      const found = shelf?.read(id)
      return found && storedOf(found, found.text)
    },
    look(id) {
      const here = live.get(id)
      const found = here === undefined ? shelf?.glance(id) : standingOf(here)
      return found && summaryOf(found)
    },
    list: () => summaries().sort((one, other) => other.startedAt - one.startedAt),
    stop() {
      for (const { answer } of [...live.values()]) answer.stop('interrupted')
      writeLate()
      // Without a reason, one is made, with the stack of this call.
      over.abort('over')
      if (isRoomDue) makeRoom()
    },
  }
}

function standingOf({ head, outline, answer }: LiveAnswer): Standing {
  const { isKept, problem } = answer
  return { head, outline, isRunning: outline.end === undefined, isKept, problem }
}

/** No letters that are taken for digits, 50 bits: enough for the few that are kept anywhere. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'

function newAnswerId(randomBytes: (size: number) => Uint8Array): string {
  return `a-${Array.from(randomBytes(10), (byte) => ALPHABET[byte % ALPHABET.length]).join('')}`
}
