import type { Config } from '../../config.ts'
import { CodexError, isCodexError } from '../../errors.ts'
import type { Clock } from '../../infrastructure/clock.ts'
import { readEvents, type SseEvent, type SseLimits } from '../../infrastructure/sse.ts'
import { duration } from '../status/duration.ts'
import { notAStream } from './answer-failure.ts'
import { type AnswerTeller, type AnswerTellerDeps, createAnswerTeller } from './answer-teller.ts'
import type { AskingRoute } from './asking-route.ts'
import { type Answer, type AnswerReader, createAnswerReader } from './codex-answer.ts'
import type { Reply } from './codex-post.ts'

/** Told the answer bit by bit, as `createAnswerReader` tells it. */
export interface StreamOptions extends AnswerTellerDeps {
  signal?: AbortSignal | undefined
}

export interface AnswerToRead {
  reply: Pick<Reply, 'body' | 'headers'>
  isStream: AskingRoute['isStream']
  /** The error in an event. */
  failureOf: (error: unknown) => CodexError
  /** Told what the stream says of the usage limits, as it came. */
  onLimits?: (event: unknown) => void
}

export interface StreamDeps {
  config: Pick<Config, 'firstEventTimeoutMs' | 'idleTimeoutMs'>
  clock: Pick<Clock, 'now'>
}

/** How long to wait for the reason of an error that is known already. */
const LAST_WORD_MS = 2_000
const MAX_EVENT_BYTES = 16 * 1024 * 1024
/** Most of a stream is not kept; what is kept has limits of its own. */
const MAX_TOTAL_BYTES = 1024 * 1024 * 1024

/**
 * The answer in a reply with status 200. One that ends too early is given all the same where it has text, with the reason
 * in `incomplete`: it has been paid for.
 *
 * @throws CodexError CANCELLED; without any text also TIMEOUT, NETWORK, RESPONSE_INVALID, and as `createAnswerReader`
 */
export async function readAnswer(
  { reply: { body, headers }, isStream, failureOf, onLimits }: AnswerToRead,
  options: StreamOptions,
  { config, clock }: StreamDeps,
): Promise<Answer> {
  if (!isStream(headers)) {
    void body?.cancel().catch(() => {})
    throw notAStream()
  }
  const teller = createAnswerTeller(options)
  const reader = createAnswerReader(teller.collect, failureOf, onLimits)
  try {
    teller.tell(reader.progress())
    for await (const events of readEvents(body, limitsFor(reader, config, clock), options.signal)) {
      const isComplete = acceptAll(events, reader, teller)
      teller.tell(reader.progress())
      if (isComplete) break
    }
    return reader.finish()
  } catch (error) {
    teller.tellText()
    const reason = reasonOf(error, reader, config)
    const partial = isCodexError(reason) && reason.code !== 'CANCELLED' ? reader.partial(reason) : undefined
    if (partial === undefined) throw reason
    return partial
  }
}

/** True when the answer is complete. Each change of what is done is told, of what comes with it the last state. */
function acceptAll(events: readonly SseEvent[], reader: AnswerReader, teller: AnswerTeller): boolean {
  let last = reader.doing()
  for (const event of events) {
    if (reader.accept(event)) return true
    const { phase, headline } = reader.doing()
    if (phase === last.phase && headline === last.headline) continue
    last = { phase, headline }
    teller.tell(reader.progress())
  }
  return false
}

/** How long the stream may be silent depends on what has come. */
function limitsFor(reader: AnswerReader, config: StreamDeps['config'], clock: StreamDeps['clock']): SseLimits {
  const openedAt = clock.now()
  let endsAt: number | undefined
  return {
    maxEventBytes: MAX_EVENT_BYTES,
    maxTotalBytes: MAX_TOTAL_BYTES,
    get idleTimeoutMs() {
      if (!reader.hasBegun()) return Math.max(1, openedAt + config.firstEventTimeoutMs - clock.now())
      if (!reader.isEnding()) return config.idleTimeoutMs
      // After an error that says nothing more, the one that does comes at once or not at all.
      endsAt ??= clock.now() + Math.min(LAST_WORD_MS, config.idleTimeoutMs)
      return Math.max(1, endsAt - clock.now())
    },
  }
}

function reasonOf(error: unknown, reader: AnswerReader, config: StreamDeps['config']): unknown {
  const isBroken = isCodexError(error, 'TIMEOUT') || isCodexError(error, 'NETWORK')
  // Without its last word, the error that is known counts for more than how the connection ended.
  if (isBroken && reader.isEnding()) return finishError(reader)
  return isCodexError(error, 'TIMEOUT') && !reader.hasBegun() ? nothingCame(config.firstEventTimeoutMs) : error
}

function finishError(reader: AnswerReader): unknown {
  try {
    return reader.finish()
  } catch (error) {
    return error
  }
}

function nothingCame(limitMs: number): CodexError {
  const span = limitMs < 1000 ? `${limitMs} ms` : duration(limitMs)
  return new CodexError('TIMEOUT', `The service accepted the question and then sent nothing for ${span}.`, {
    hint: 'Ask again, or name another model. CODEX_OAUTH_FIRST_EVENT_TIMEOUT_MS sets how long it may take to begin.',
    retryable: true,
  })
}
