import { shownName } from './shown-name.ts'

/** Something that went to the model beside the prompt. */
export interface SentPart {
  /** Relative to its root, with the lines if it is not the whole file; for a diff, the argument. */
  name: string
  kind: 'text' | 'image' | 'diff'
  /** Of what was sent of it, without line numbers. */
  bytes: number
  /** The files in a diff. */
  files?: readonly string[]
}

/** What was sent and what was left out, for the footer of an answer; empty when there was nothing to send. */
export function sentWords(sent: readonly SentPart[], left: readonly string[]): string {
  const names = sent.map(({ name, kind, bytes, files = [] }) => {
    const of = files.length === 0 ? '' : `: ${few(files.map(shownName), ', ')}`
    return `${kind === 'diff' ? 'diff ' : ''}${shownName(name)} (${sizeWords(bytes)}${of})`
  })
  const total = sizeWords(sent.reduce((sum, { bytes }) => sum + bytes, 0))
  return [
    ...(sent.length === 0
      ? []
      : [`Sent: ${few(names, ', ')}${sent.length === 1 ? '' : `; ${countWords(sent)}, ${total}`}`]),
    ...(left.length === 0 ? [] : [`Left out: ${few(left, '; ')}`]),
  ].join('\n')
}

/** An amount of bytes with two digits, or as many as it has before the point. */
export function sizeWords(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`
  const [size, unit] = bytes < 999_500 ? [bytes / 1000, 'kB'] : [bytes / 1_000_000, 'MB']
  return `${size < 9.95 ? size.toFixed(1) : Math.round(size)} ${unit}`
}

const MANY = 8

/** The first of them, and how many more there are. */
export function few(words: readonly string[], separator: string): string {
  if (words.length <= MANY) return words.join(separator)
  return [...words.slice(0, MANY), `and ${words.length - MANY} more`].join(separator)
}

function countWords(sent: readonly SentPart[]): string {
  const diffs = sent.filter(({ kind }) => kind === 'diff').length
  const files = sent.length - diffs
  return [
    ...(files === 0 ? [] : [files === 1 ? '1 file' : `${files} files`]),
    ...(diffs === 0 ? [] : [diffs === 1 ? '1 diff' : `${diffs} diffs`]),
  ].join(' and ')
}
