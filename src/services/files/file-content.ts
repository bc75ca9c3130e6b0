import { imageContent } from './image-content.ts'

/** What bytes are to a model: an image, a text, or nothing that it could take. */
export type FileContent =
  | { kind: 'image'; mime: string }
  /** Without its byte order mark, if it has one. */
  | { kind: 'text'; text: string; hasMark: boolean }
  | { kind: 'neither'; reason: string }

/** Judged by the bytes and never by the name. The reason goes on after the name. */
export function contentOf(bytes: Uint8Array): FileContent {
  const image = imageContent(bytes)
  if (image?.isComplete) return { kind: 'image', mime: image.mime }
  const other = textContent(bytes)
  // A text may begin with the letters of an image, and is looked at for secrets then like any other.
  if (image === undefined || other.kind === 'text') return other
  return { kind: 'neither', reason: `is not a complete ${image.format} image` }
}

function textContent(bytes: Uint8Array): Exclude<FileContent, { kind: 'image' }> {
  if (isWideText(bytes)) return { kind: 'neither', reason: 'is UTF-16 text: save it as UTF-8 first' }
  if (bytes.includes(0)) return { kind: 'neither', reason: 'is binary' }
  const text = utf8(bytes)
  if (text === undefined) return { kind: 'neither', reason: 'is binary, or text that is not UTF-8' }
  const hasMark = text.startsWith('\uFEFF')
  return { kind: 'text', text: hasMark ? text.slice(1) : text, hasMark }
}

function isWideText([first, second]: Uint8Array): boolean {
  return (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)
}

function utf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    // It says nothing but that they are not UTF-8.
    return undefined
  }
}
