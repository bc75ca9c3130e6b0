import * as fs from 'node:fs'

/** What an open handle says about a file, and its bytes. */
export interface RegularFile {
  bytes: Buffer
  stat: fs.Stats
}

/** A file that is open. */
export interface OpenFile {
  stat: fs.BigIntStats
  /** All of it. @throws the system error, EFBIG if it is larger */
  bytes(maxBytes: number): Buffer
}

/** What lies at the two ends of a file. */
export interface FileEnds {
  /** As many bytes as were asked for, or all of a shorter file. */
  first: Buffer
  last: Buffer
  stat: fs.Stats
}

/**
 * Reads a whole file. One over `maxBytes` is refused as `EFBIG`, anything but a regular file as `EISDIR`: a named pipe or a device at this path would hold the whole process.
 * With `noFollow` a link at this path is refused as `ELOOP`, where the system can do that.
 *
 * @throws the system error
 */
export function readRegularFile(path: string, maxBytes: number, { noFollow = false } = {}): RegularFile {
  const flags = noFollow ? (fs.constants.O_NOFOLLOW ?? 0) : 0
  return withRegularFile(path, flags, (fd, stat) => ({ bytes: allOf(fd, stat.size, maxBytes), stat }))
}

/**
 * Reads the first and the last `bytes` of a file of any size; the two overlap in a short one. Refuses what
 * `readRegularFile` refuses but for the size.
 *
 * @throws the system error
 */
export function readFileEnds(path: string, bytes: number): FileEnds {
  return withRegularFile(path, 0, (fd, stat) => {
    const first = readAt(fd, 0, bytes)
    // Usually all there is, and every read costs.
    const last = stat.size <= first.length ? first : readAt(fd, Math.max(0, stat.size - bytes), bytes)
    return { first, last, stat }
  })
}

/**
 * What `use` makes of a file that is open meanwhile. Refuses what `readRegularFile` refuses, but for the size.
 *
 * @throws the system error
 */
export function withOpenFile<T>(path: string, use: (file: OpenFile) => T): T {
  return opened(path, 0, (fd) => {
    const stat = fs.fstatSync(fd, { bigint: true })
    assertFile(stat)
    return use({ stat, bytes: (maxBytes) => allOf(fd, Number(stat.size), maxBytes) })
  })
}

function withRegularFile<T>(path: string, flags: number, read: (fd: number, stat: fs.Stats) => T): T {
  return opened(path, flags, (fd) => {
    const stat = fs.fstatSync(fd)
    assertFile(stat)
    return read(fd, stat)
  })
}

function opened<T>(path: string, flags: number, use: (fd: number) => T): T {
  const { O_RDONLY, O_NONBLOCK = 0 } = fs.constants
  const fd = fs.openSync(path, O_RDONLY | O_NONBLOCK | flags)
  try {
    return use(fd)
  } finally {
    fs.closeSync(fd)
  }
}

function assertFile(stat: fs.Stats | fs.BigIntStats): void {
  if (!stat.isFile()) throw Object.assign(new Error('Not a file.'), { code: 'EISDIR' })
}

/**
 * As long as the file said it is; where it has grown since, or does not know, to its end. Only a read of nothing tells that:
 * over a network a read may give less than there is.
 */
function allOf(fd: number, size: number, maxBytes: number): Buffer {
  if (size > maxBytes) throw tooLarge()
  let buffer = Buffer.alloc(size + 1)
  let length = 0
  while (true) {
    const read = fs.readSync(fd, buffer, length, buffer.length - length, length)
    length += read
    if (read === 0 || length === size) return buffer.subarray(0, length)
    if (length > maxBytes) throw tooLarge()
    if (length === buffer.length) buffer = Buffer.concat([buffer], 2 * length)
  }
}

function tooLarge(): Error {
  return Object.assign(new Error('Too large.'), { code: 'EFBIG' })
}

function readAt(fd: number, position: number, bytes: number): Buffer {
  const buffer = Buffer.allocUnsafe(bytes)
  return buffer.subarray(0, fs.readSync(fd, buffer, 0, bytes, position))
}
