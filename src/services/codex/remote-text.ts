import { redact } from '../../infrastructure/log.ts'

/**
 * Text from outside, made fit to stand in a sentence of ours: one line, no control characters, no markup that a
 * host would render, at most `limit` characters. It goes in quotation marks, so the reader knows whose words it is,
 * and those inside are made others, so that it cannot close them.
 */
export function quoteRemote(text: string, limit = 200): string {
  return `“${cleanRemote(text, limit).replace(/[“”]/g, '"')}”`
}

/**
 * Text from outside as one harmless line of at most `limit` characters. What looks like a credential is taken out: a
 * proxy or an error page may give back what it was sent.
 */
export function cleanRemote(text: string, limit: number): string {
  // Megabytes of it would cost seconds and a gigabyte, and nothing behind this is ever shown.
  const line = redact(text.slice(0, MAX_LOOKED_AT))
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .replace(/[`<>]/g, '')
    .trim()
  const characters = [...line]
  return characters.length > limit ? `${characters.slice(0, limit - 1).join('')}…` : line
}

const MAX_LOOKED_AT = 100_000

/** The end of a sentence of ours: what the service itself said, where it said something. */
export function said(words: string | undefined): string {
  return words === undefined ? '' : `: ${quoteRemote(words)}`
}

/** The parsed JSON, or undefined when it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The parser's message quotes the text, which may be a token response: it is dropped on purpose.
    return undefined
  }
}

/** A field of something that came from outside, if that is an object and the field its own. */
export function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined
}

/** The field, if it is an array; otherwise an empty one. */
export function listField(value: unknown, name: string): readonly unknown[] {
  const field = fieldOf(value, name)
  return Array.isArray(field) ? field : []
}

/** The field, if it is a non-empty string. */
export function textField(value: unknown, name: string): string | undefined {
  const field = fieldOf(value, name)
  return typeof field === 'string' && field !== '' ? field : undefined
}

/** The field, if it is a finite number. */
export function numberField(value: unknown, name: string): number | undefined {
  const field = fieldOf(value, name)
  return typeof field === 'number' && Number.isFinite(field) ? field : undefined
}
