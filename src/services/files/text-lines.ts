import type { LineRange } from '../../infrastructure/line-range.ts'

/** A text as lines without their ends, and what that leaves unsaid. */
export interface TextLines {
  lines: readonly string[]
  /** The number of the first of them. */
  first: number
  /** How many the whole text has. */
  total: number
  /** Of the whole text; empty for one with plain line ends, the last line's too. */
  remarks: readonly string[]
}

/** Every line end that an editor counts by ends a line: LF, CRLF, and CR alone. */
export function linesOf(text: string, hasMark = false): TextLines {
  const lines = text.split(/\r\n|\n|\r/)
  const isEnded = lines.at(-1) === ''
  if (isEnded) lines.pop()
  return { lines, first: 1, total: lines.length, remarks: remarksOn(text, isEnded, hasMark) }
}

/** The lines in `range`; none when the text ends before it. Numbers stay what they are. */
export function cut({ lines, total, remarks }: TextLines, { first, last = total }: LineRange): TextLines {
  return { lines: lines.slice(first - 1, last), first, total, remarks }
}

function remarksOn(text: string, isEnded: boolean, hasMark: boolean): string[] {
  const ends = { CRLF: /\r\n/.test(text), LF: /(?<!\r)\n/.test(text), CR: /\r(?!\n)/.test(text) }
  const kinds = Object.entries(ends).flatMap(([name, isThere]) => (isThere ? [name] : []))
  return [
    ...(text === '' ? ['empty'] : []),
    ...(hasMark ? ['begins with a byte order mark'] : []),
    ...(kinds.length > 0 && kinds.join() !== 'LF' ? [`line ends: ${kinds.join(' and ')}`] : []),
    ...(text !== '' && !isEnded ? ['no line end after the last line'] : []),
  ]
}
