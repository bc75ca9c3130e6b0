import * as fs from 'node:fs'

/** What an open handle says about a file, and its bytes. */
export interface RegularFile {
  bytes: Buffer
  stat: fs.Stats
}

/**
 * Reads a whole file. One over `maxBytes` is refused as `EFBIG`, anything but a regular file as `EISDIR`: a named pipe or a device at this path would hold the whole process.
 * With `noFollow` a link at this path is refused as `ELOOP`, where the system can do that.
 *
 * @throws the system error
 */
export function readRegularFile(path: string, maxBytes: number, { noFollow = false } = {}): RegularFile {
  const { O_RDONLY, O_NONBLOCK = 0, O_NOFOLLOW = 0 } = fs.constants
  const fd = fs.openSync(path, O_RDONLY | O_NONBLOCK | (noFollow ? O_NOFOLLOW : 0))
  try {
    const stat = fs.fstatSync(fd)
    if (!stat.isFile()) throw Object.assign(new Error('Not a file.'), { code: 'EISDIR' })
    if (stat.size > maxBytes) throw Object.assign(new Error('Too large.'), { code: 'EFBIG' })
    return { bytes: fs.readFileSync(fd), stat }
  } finally {
    fs.closeSync(fd)
  }
}
