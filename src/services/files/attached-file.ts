import { readConfined } from '../../infrastructure/confined-file.ts'
import { rangeSuffix } from '../../infrastructure/line-range.ts'
import type { FoundFile } from '../../infrastructure/project-files.ts'
import type { Block } from './file-block.ts'
import { contentOf, type FileContent } from './file-content.ts'
import { secretContent, secretName } from './secret-file.ts'
import type { SentPart } from './sent-words.ts'
import { cut, linesOf, type TextLines } from './text-lines.ts'

/** A file ready to be sent, or words on why it is not that go on after its name. */
export type AttachedFile = { block: Block; sent: SentPart } | { reason: string }

const MAX_TEXT_BYTES = 1_000_000
export const MAX_IMAGE_BYTES = 20_000_000

/** Reads a file as it is to be sent: an image whole, of a text the lines that were asked for. */
export async function attachFile(file: FoundFile): Promise<AttachedFile> {
  const read = await readForSending(file)
  if ('reason' in read) return read
  const { content, bytes } = read
  if (content.kind === 'text') return attachText(file, linesOf(content.text, content.hasMark))
  if (file.range !== undefined) return { reason: 'is an image and has no lines' }
  const { name } = file
  return {
    block: { kind: 'image', name, mime: content.mime, base64: bytes.toString('base64') },
    sent: { name, kind: 'image', bytes: bytes.length },
  }
}

/** What is in a file that may be sent, whatever it is. A secret is looked for in all of it, whichever lines are asked for. */
export async function readForSending({ name, path }: Pick<FoundFile, 'name' | 'path'>): Promise<ReadContent> {
  const secret = secretName(name)
  if (secret !== undefined) return { reason: secret }
  const secretTarget = secretName(path)
  if (secretTarget !== undefined) return { reason: leadsTo(name, path, secretTarget) }
  const reading = await readConfined(path, MAX_IMAGE_BYTES)
  if ('reason' in reading) return reading
  const content = contentOf(reading.bytes)
  if (content.kind === 'neither') return content
  // In the bytes of an image, too: behind its end, or in a comment, there is room for anything.
  const reason = secretContent(content.kind === 'text' ? content.text : reading.bytes.toString('latin1'))
  return reason === undefined ? { content, bytes: reading.bytes } : { reason }
}

type ReadContent = { content: Exclude<FileContent, { kind: 'neither' }>; bytes: Buffer } | { reason: string }

function attachText({ name: file, range }: FoundFile, whole: TextLines): AttachedFile {
  const part = range === undefined ? whole : cut(whole, range)
  const last = part.first + part.lines.length - 1
  const name = range === undefined ? file : file + rangeSuffix({ first: range.first, last })
  if (range !== undefined && part.lines.length === 0) return { reason: `has only ${lineCount(whole.total)}` }
  const bytes = Buffer.byteLength(part.lines.join('\n'))
  if (bytes > MAX_TEXT_BYTES)
    return { reason: `is larger than ${MAX_TEXT_BYTES / 1_000_000} MB: name the lines that matter` }
  return { block: { kind: 'text', name, ...part }, sent: { name, kind: 'text', bytes } }
}

/** It may be a link, or lie in a folder that makes all in it secret. */
function leadsTo(name: string, path: string, reason: string): string {
  return path.replaceAll('\\', '/').endsWith(`/${name}`) ? reason : `leads to a file that ${reason}`
}

function lineCount(lines: number): string {
  return lines === 1 ? '1 line' : `${lines} lines`
}
