/** What begins like an image, and whether all of it is there. */
export interface ImageContent {
  mime: string
  /** What people call it. */
  format: string
  isComplete: boolean
}

/**
 * Judged by the container alone: no pixel is looked at. What stands behind the end of an image is nobody's concern; cameras
 * put whole films there.
 */
export function imageContent(bytes: Uint8Array): ImageContent | undefined {
  const start = Buffer.from(bytes.subarray(0, 12)).toString('latin1')
  const found = FORMATS.find(({ begins }) => begins(start))
  if (found === undefined) return undefined
  const { mime, format, isWhole } = found
  return { mime, format, isComplete: isWhole(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)) }
}

interface Format {
  mime: string
  format: string
  begins(start: string): boolean
  isWhole(bytes: Buffer): boolean
}

const FORMATS: readonly Format[] = [
  { mime: 'image/png', format: 'PNG', begins: startsWith('\x89PNG\r\n\x1a\n'), isWhole: isWholePng },
  { mime: 'image/jpeg', format: 'JPEG', begins: startsWith('\xff\xd8\xff'), isWhole: isWholeJpeg },
  { mime: 'image/gif', format: 'GIF', begins: (start) => /^GIF8[79]a/.test(start), isWhole: isWholeGif },
  { mime: 'image/webp', format: 'WebP', begins: (start) => /^RIFF.{4}WEBP/s.test(start), isWhole: isWholeWebp },
]

function startsWith(head: string): (start: string) => boolean {
  return (start) => start.startsWith(head)
}

/** Chunks: length, name, content, checksum. The first tells the size of the picture, the last one is empty, and between them it lies. */
function isWholePng(bytes: Buffer): boolean {
  if (bytes.toString('latin1', 12, 16) !== 'IHDR' || bytes.length < 24) return false
  if (!isExtent(bytes.readUInt32BE(16)) || !isExtent(bytes.readUInt32BE(20))) return false
  let hasPicture = false
  for (let at = 8; at + 12 <= bytes.length; at += 12 + bytes.readUInt32BE(at)) {
    const name = bytes.toString('latin1', at + 4, at + 8)
    if (name === 'IEND') return hasPicture
    hasPicture ||= name === 'IDAT'
  }
  return false
}

function isExtent(pixels: number): boolean {
  return pixels > 0 && pixels < 2 ** 31
}

/** Segments with their lengths, up to the picture itself: a small one for previews may lie in one of them, with an end of its own. */
function isWholeJpeg(bytes: Buffer): boolean {
  let at = 2
  while (at + 4 <= bytes.length && bytes[at] === 0xff) {
    const marker = bytes[at + 1]
    if (marker === 0xda) return bytes.indexOf(JPEG_END, at) !== -1
    at += marker === 0xff ? 1 : 2 + bytes.readUInt16BE(at + 2)
  }
  return false
}

const JPEG_END = Buffer.from([0xff, 0xd9])

/**
 * A head, with or without colours; then extensions and pictures, each with pieces of which the last is empty; then the end,
 * which some programs leave out.
 */
function isWholeGif(bytes: Buffer): boolean {
  let at = 13 + coloursIn(bytes[10])
  let hasPicture = false
  while (at < bytes.length) {
    const kind = bytes[at]
    if (kind === 0x3b) return hasPicture
    if (kind !== 0x21 && kind !== 0x2c) return false
    at += kind === 0x21 ? 2 : 11 + coloursIn(bytes[at + 9])
    for (let length = bytes[at]; length !== undefined && length > 0; length = bytes[at]) at += 1 + length
    at += 1
    hasPicture ||= kind === 0x2c
  }
  return hasPicture && at === bytes.length
}

/** How many bytes the colours take that this one announces. */
function coloursIn(flags = 0): number {
  return (flags & 0x80) === 0 ? 0 : 3 * 2 ** ((flags & 7) + 1)
}

/** The length of all, then chunks: name, length, content. The first has the picture, or says what the others have. */
function isWholeWebp(bytes: Buffer): boolean {
  if (!/^VP8[ LX]$/.test(bytes.toString('latin1', 12, 16)) || bytes.length < 20) return false
  const [whole, first] = [8 + bytes.readUInt32LE(4), bytes.readUInt32LE(16)]
  return first > 0 && whole >= 20 + first && bytes.length >= whole
}
