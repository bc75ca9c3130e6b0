import { CodexError } from '../../errors.ts'
import { quoteRemote } from './remote-text.ts'

/** The service ended it, for the reason of `incomplete_details`. */
export function incomplete(reason: string | undefined): CodexError {
  if (reason === 'content_filter') {
    return new CodexError('REFUSED', "OpenAI's content filter stopped the answer.", {
      hint: 'Put the question another way.',
    })
  }
  if (reason === 'max_output_tokens') {
    return new CodexError('INCOMPLETE', 'The answer was cut off: it reached the longest output the model may give.', {
      hint: 'Ask for a shorter answer, or for one part at a time.',
    })
  }
  return new CodexError('INCOMPLETE', 'The service stopped before the answer was complete.', {
    hint: 'Ask again.',
    retryable: true,
  })
}

/** The connection ended before `response.completed`, after so many characters of text. */
export function endedEarly(characters: number): CodexError {
  const arrived = characters === 0 ? 'before any text' : `after ${characters} characters`
  return new CodexError('INCOMPLETE', `The connection ended ${arrived}, before the answer was complete.`, {
    hint: 'Ask again.',
    retryable: true,
  })
}

/** It is longer than any model writes. */
export function endless(): CodexError {
  return new CodexError('RESPONSE_INVALID', 'The answer is longer than this server accepts.', {
    hint: 'Ask for a shorter answer, or for one part at a time.',
  })
}

/** Status 200, and yet no answer. */
export function notAStream(): CodexError {
  return new CodexError('RESPONSE_INVALID', 'The service answered with something that is not an answer stream.', {
    hint: 'A proxy or a sign-in page of your network may stand in between. Try again; check CODEX_OAUTH_BASE_URL if it is set.',
    retryable: true,
  })
}

/** It is complete, and empty. */
export function noAnswer(): CodexError {
  return new CodexError('RESPONSE_INVALID', 'Codex completed the request without any text.', {
    hint: 'Ask again.',
    retryable: true,
  })
}

/** The model declined, in these words: text from outside. */
export function refused(words: string): CodexError {
  return new CodexError('REFUSED', `Codex declined to answer: ${quoteRemote(words, 1000)}`, {
    hint: 'Put the question another way.',
  })
}
