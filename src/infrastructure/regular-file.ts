import * as fs from 'node:fs'

/** What an open handle says about a file, and its bytes. */
export interface RegularFile {
  bytes: Buffer
  stat: fs.Stats
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
  return withRegularFile(path, flags, (fd, stat) => {
    if (stat.size > maxBytes) throw Object.assign(new Error('Too large.'), { code: 'EFBIG' })
    return { bytes: fs.readFileSync(fd), stat }
  })
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

function withRegularFile<T>(path: string, flags: number, read: (fd: number, stat: fs.Stats) => T): T {
  const { O_RDONLY, O_NONBLOCK = 0 } = fs.constants
  const fd = fs.openSync(path, O_RDONLY | O_NONBLOCK | flags)
  try {
    const stat = fs.fstatSync(fd)
    if (!stat.isFile()) throw Object.assign(new Error('Not a file.'), { code: 'EISDIR' })
    return read(fd, stat)
  } finally {
    fs.closeSync(fd)
  }
}

function readAt(fd: number, position: number, bytes: number): Buffer {
  const buffer = Buffer.allocUnsafe(bytes)
  return buffer.subarray(0, fs.readSync(fd, buffer, 0, bytes, position))
}
