import { CodexError, reworded } from '../../errors.ts'
import { listQuietly } from '../../infrastructure/clean-up.ts'
import type { ListEntry } from '../../infrastructure/list-folder.ts'
import { type Appended, createSharedList, type OpenList, type SharedList } from '../../infrastructure/shared-list.ts'
import { corrupt } from '../../infrastructure/storage-failure.ts'
import { firstWords } from '../answers/prompt-words.ts'
import { textField } from '../codex/remote-text.ts'
import { conversationKey, conversationName, EVERY_CONVERSATION, isConversationKey } from './conversation-name.ts'
import { readTurn, type Turn } from './conversation-turn.ts'

/** A conversation as it was when it was opened. */
export interface Conversation {
  /** One that nobody has begun has an id too; it gets another if somebody else begins it first. */
  id: string
  name: string
  /** For `prompt_cache_key`: the same in every turn. */
  cacheKey: string
  /** Oldest first; none of one that nobody has begun. */
  turns: readonly Turn[]
}

export interface ConversationSummary {
  name: string
  turns: number
  /** When the last question was answered, in ms since 1970. */
  updatedAt: number
  /** The first words of the last question. */
  lastPrompt: string
}

export interface ConversationList {
  /** Newest first. */
  conversations: readonly ConversationSummary[]
  /** A sentence for each that cannot be read. */
  problems: readonly string[]
}

/** Named conversations, on disk, shared by all windows. */
export interface ConversationStore {
  /**
   * What has been said under this name, nothing if it is new. Writes nothing.
   *
   * @throws CodexError INPUT_INVALID, STORAGE_CORRUPT, STORAGE_FAILED
   */
  open(name: string): Conversation
  /**
   * Keeps a turn behind all that is there by now, from other windows too; the first makes the conversation. If the one
   * that was opened had turns and has been removed since, it is `removed`, and so is the turn.
   *
   * @throws CodexError STORAGE_CORRUPT, STORAGE_FAILED; nothing is kept then
   */
  add(opened: Conversation, turn: Turn): Promise<Appended>
  list(): ConversationList
  /** Removes one, or all for `*`; says how many. @throws CodexError INPUT_INVALID, STORAGE_FAILED */
  remove(name: string): Promise<number>
}

export interface ConversationStoreDeps {
  folder: string
  /** UUIDs in the order of time. */
  newId: () => string
  now: () => number
  /** All turns of one conversation together. */
  maxBytes?: number
  lockWaitMs?: number
}

const MAX_BYTES = 64 * 1_048_576
const HINT = 'Repair it, or clear this conversation and begin it anew.'

export function createConversationStore(deps: ConversationStoreDeps): ConversationStore {
  const { folder, newId } = deps
  const listAt = (key: string) =>
    createSharedList({ maxBytes: MAX_BYTES, ...deps, folder: `${folder}/${key}`, hint: HINT })
  const keys = () => listQuietly(folder).filter(isConversationKey)

  return {
    open(text) {
      const name = conversationName(text)
      const key = conversationKey(name)
      const found = openList(key, listAt(key))
      const turns = found?.entries.flatMap((entry) => turnOf(entry) ?? []) ?? []
      // The id of one without turns may be gone when the first is kept, and no id may come back.
      const id = (turns.length > 0 ? found?.head.id : undefined) ?? newId()
      return { id, name, cacheKey: id, turns }
    },

    add({ id, name, turns }, turn) {
      const target = turns.length > 0 ? { to: id } : { head: { version: 1, id, name } }
      return listAt(conversationKey(name)).append({ ...turn, prompt: firstWords(turn.prompt) }, target)
    },

    list() {
      const conversations: ConversationSummary[] = []
      const problems: string[] = []
      for (const key of keys()) {
        try {
          conversations.push(...summariesOf(key, listAt(key)))
        } catch (error) {
          if (!(error instanceof CodexError)) throw error
          problems.push(error.message)
        }
      }
      return { conversations: conversations.sort((a, b) => b.updatedAt - a.updatedAt), problems }
    },

    async remove(text) {
      const wanted = text === EVERY_CONVERSATION ? keys() : [conversationKey(conversationName(text))]
      let removed = 0
      for (const key of wanted) if (await listAt(key).remove()) removed += 1
      return removed
    },
  }
}

function openList(key: string, list: SharedList): (OpenList & { name: string }) | undefined {
  const found = list.open()
  if (found === undefined) return undefined
  const name = textField(found.head, 'name') ?? ''
  if (conversationKey(name) !== key) throw corrupt(found.headFile, 'it is not that of this conversation', HINT)
  return { ...found, name }
}

/** Undefined for one that has just been removed. @throws CodexError STORAGE_CORRUPT, STORAGE_FAILED */
function turnOf(entry: ListEntry): Turn | undefined {
  const value = entry.read()
  if (value === undefined) return undefined
  const turn = readTurn(value)
  if (turn === undefined) throw corrupt(entry.file, 'it is not a turn of a conversation', HINT)
  return turn
}

/**
 * One, or none for a conversation whose first turn is not there yet. Only the last turn is read.
 *
 * @throws CodexError with the name of the conversation where that can be read: it is what one removes it by
 */
function summariesOf(key: string, list: SharedList): ConversationSummary[] {
  const found = openList(key, list)
  if (found === undefined) return []
  const { name, entries } = found
  const last = entries.at(-1)
  const turn = last && named(name, () => turnOf(last))
  if (turn === undefined) return []
  return [{ name, turns: entries.length, updatedAt: turn.at, lastPrompt: firstWords(turn.prompt) }]
}

function named<T>(name: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof CodexError)) throw error
    throw reworded(error, { message: `The conversation “${name}” cannot be read: ${error.message}` })
  }
}
