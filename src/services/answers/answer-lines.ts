import { type CodexError, ERROR_CODES, type ErrorCode } from '../../errors.ts'
import type { ProcessIdentity } from '../../infrastructure/process-identity.ts'
import { fieldOf, numberField, textField } from '../codex/remote-text.ts'

/** How an answer has ended. `interrupted`: whoever asked has ended first. */
export type AnswerEnd = 'finished' | 'incomplete' | 'failed' | 'cancelled' | 'interrupted'

/** Plain JSON with which an answer can be shown again as it was shown first. */
export type AnswerFacts = Readonly<Record<string, unknown>>

/** What was thrown, so that it can be told again. */
export interface AnswerError {
  code: ErrorCode
  message: string
  hint: string | undefined
}

/** What is known of an answer when the question is asked. */
export interface AnswerHead {
  id: string
  /** In milliseconds since the epoch, as all times here. */
  startedAt: number
  /** The first words of it. */
  prompt: string
  conversation: string | undefined
  /** Who asked. */
  owner: ProcessIdentity
}

/** All that the lines of an answer tell, but for its text. */
export interface Outline {
  head: AnswerHead | undefined
  /** The lines are of a version after this one. */
  isNewer: boolean
  model: string | undefined
  phase: string | undefined
  /** Length of the text. */
  characters: number
  /** The text was longer than what is kept. */
  isCut: boolean
  facts: AnswerFacts | undefined
  error: AnswerError | undefined
  end: { state: AnswerEnd; at: number } | undefined
}

/** A line of the file of an answer. What each looks like stands below; every reader passes over what it does not know. */
export type AnswerLine = Readonly<Record<string, unknown>>

const VERSION = 1

export function headLine(
  { id, startedAt, prompt, conversation, owner }: AnswerHead,
  model: string | undefined,
): AnswerLine {
  const { pid, startTime: start, place } = owner
  return { answer: VERSION, id, started_at: startedAt, prompt, conversation, model, pid, start, place }
}

export const modelLine = (model: string): AnswerLine => ({ model })

export const phaseLine = (phase: string): AnswerLine => ({ phase })

/**
 * `text` stands at `from`, in characters from the start, and nothing behind it. So a line that comes twice does no
 * harm, one that is missing shows, and each tells how long the text is.
 */
export const textLine = (from: number, text: string): AnswerLine => ({ from, text })

/** From here on the text is not kept. */
export const cutLine: AnswerLine = { cut: true }

export function factsLine(facts: AnswerFacts | undefined, error: CodexError | undefined): AnswerLine {
  return { facts, error: error && { code: error.code, message: error.message, hint: error.hint } }
}

/** The last line. It is short, and tells what a list shows: the rest of the file is not read for one. */
export function endLine(state: AnswerEnd, at: number, { characters, model, isCut }: Outline): AnswerLine {
  return { end: state, at, characters, model, cut: isCut }
}

export function newOutline(): Outline {
  return {
    head: undefined,
    isNewer: false,
    model: undefined,
    phase: undefined,
    characters: 0,
    isCut: false,
    facts: undefined,
    error: undefined,
    end: undefined,
  }
}

/** Adds to the outline what a line tells, and gives the text in it. Lines come from a file: anything may be one. */
export function readLine(outline: Outline, line: unknown): { from: number; text: string } | undefined {
  readHead(outline, line)
  outline.model = wordIn(line, 'model') ?? outline.model
  outline.phase = shortText(line, 'phase') ?? outline.phase
  const cut = fieldOf(line, 'cut')
  if (typeof cut === 'boolean') outline.isCut = cut
  const facts = fieldOf(line, 'facts')
  if (typeof facts === 'object' && facts !== null) outline.facts = facts as AnswerFacts
  outline.error = errorIn(fieldOf(line, 'error')) ?? outline.error
  readEnd(outline, line)
  const text = textIn(line)
  if (text !== undefined) outline.characters = text.from + text.text.length
  return text
}

const STATES: readonly string[] = ['finished', 'incomplete', 'failed', 'cancelled', 'interrupted'] satisfies AnswerEnd[]

/** The system is not asked about a number that cannot be one. */
const MAX_PID = 2 ** 31 - 1

function readHead(outline: Outline, line: unknown): void {
  const version = numberField(line, 'answer')
  if (version === undefined) return
  outline.isNewer = version > VERSION
  const [id, startedAt, pid, place] = [
    textField(line, 'id'),
    numberField(line, 'started_at'),
    numberField(line, 'pid'),
    textField(line, 'place'),
  ]
  if (version !== VERSION || id === undefined || startedAt === undefined) return
  outline.head = {
    id,
    startedAt,
    prompt: shortText(line, 'prompt') ?? '',
    conversation: shortText(line, 'conversation'),
    // One that cannot be read is of no place, so nobody can judge it dead.
    owner:
      pid === undefined || !Number.isInteger(pid) || pid < 1 || pid > MAX_PID || place === undefined
        ? { pid: 0, place: '' }
        : { pid, startTime: textField(line, 'start'), place },
  }
}

function readEnd(outline: Outline, line: unknown): void {
  const [state, at, characters] = [textField(line, 'end'), numberField(line, 'at'), numberField(line, 'characters')]
  if (state === undefined || at === undefined || !STATES.includes(state)) return
  outline.end = { state: state as AnswerEnd, at }
  outline.characters = characters ?? outline.characters
}

function textIn(line: unknown): { from: number; text: string } | undefined {
  const [from, text] = [numberField(line, 'from'), fieldOf(line, 'text')]
  if (from === undefined || !Number.isSafeInteger(from) || from < 0 || typeof text !== 'string') return undefined
  return { from, text }
}

function errorIn(error: unknown): AnswerError | undefined {
  const [code, message] = [textField(error, 'code'), textField(error, 'message')]
  if (code === undefined || message === undefined) return undefined
  const known = ERROR_CODES.find((one) => one === code) ?? 'CODEX_FAILED'
  return { code: known, message: message.slice(0, 2000), hint: textField(error, 'hint')?.slice(0, 2000) }
}

function wordIn(line: unknown, name: string): string | undefined {
  const word = textField(line, name)
  return word !== undefined && /^[\w.:/@+-]{1,200}$/.test(word) ? word : undefined
}

/** On one line and short, whatever has become of the file. */
function shortText(line: unknown, name: string): string | undefined {
  return textField(line, name)
    ?.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
    .slice(0, 200)
}
