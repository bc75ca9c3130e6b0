import { describe, expect, test } from 'vitest'
import { imageContent } from '../../../src/services/files/image-content.ts'
import { GIF, JPEG, PNG, WEBP } from '../../support/images.ts'

const FORMATS: [string, string, Buffer][] = [
  ['PNG', 'image/png', PNG],
  ['JPEG', 'image/jpeg', JPEG],
  ['GIF', 'image/gif', GIF],
  ['WebP', 'image/webp', WEBP],
]

/** The picture with a change in it. */
function changed(picture: Buffer, at: number, ...bytes: number[]): Buffer {
  const copy = Buffer.from(picture)
  copy.set(bytes, at)
  return copy
}

describe.each(FORMATS)('%s', (format, mime, picture) => {
  test('is complete as it is, wherever it lies in memory, and with something behind it', () => {
    const whole = { format, mime, isComplete: true }
    expect(imageContent(picture)).toEqual(whole)
    expect(imageContent(new Uint8Array(picture))).toEqual(whole)
    expect(imageContent(Buffer.concat([Buffer.from('front'), picture]).subarray(5))).toEqual(whole)
    expect(imageContent(Buffer.concat([picture, Buffer.from('a film')]))).toEqual(whole)
  })

  test('is not complete when it ends earlier, wherever that is', () => {
    // The end mark of a GIF is missed by nobody.
    for (let length = 12; length < picture.length - (format === 'GIF' ? 1 : 0); length += 1)
      expect([length, imageContent(picture.subarray(0, length))?.isComplete]).toEqual([length, false])
  })

  test('is not complete when there is only its head', () => {
    const head = picture.subarray(0, 12)
    for (const rest of [
      Buffer.alloc(0),
      Buffer.alloc(5000),
      Buffer.alloc(5000, 0xff),
      Buffer.from('text\n'.repeat(99)),
    ])
      expect(imageContent(Buffer.concat([head, rest]))).toEqual({ format, mime, isComplete: false })
  })
})

test.each([
  ['PNG without width', changed(PNG, 16, 0, 0, 0, 0)],
  ['PNG of an impossible height', changed(PNG, 20, 0xff, 0xff, 0xff, 0xff)],
  ['PNG with a chunk that reaches beyond it', changed(PNG, 33, 0x7f, 0xff, 0xff, 0xff)],
  ['JPEG of which only the preview in its head has an end', Buffer.from('ffd8ffe10006ffd9ffd9ffda000400000102', 'hex')],
  ['JPEG with a segment that reaches beyond it', changed(JPEG, 4, 0xff, 0xff)],
  ['GIF with a block of no kind', changed(GIF, 19, 0x22)],
  ['PNG without a picture', Buffer.concat([PNG.subarray(0, 33), Buffer.from('0000000049454e44ae426082', 'hex')])],
  ['WebP with an empty picture', changed(WEBP, 16, 0)],
  ['WebP whose length is shorter than its picture', changed(WEBP, 4, 4)],
  ['WebP that is another kind of RIFF', changed(WEBP, 12, 0x41)],
])('a %s is not complete', (_, bytes) => {
  expect(imageContent(bytes)?.isComplete).toBe(false)
})

test('a GIF may go without its end mark, but not without a picture', () => {
  expect(imageContent(GIF.subarray(0, -1))).toMatchObject({ isComplete: true })
  expect(imageContent(Buffer.concat([GIF.subarray(0, 19), Buffer.from(';')]))).toMatchObject({ isComplete: false })
  expect(imageContent(GIF.subarray(0, 27))).toMatchObject({ isComplete: false })
})

test('a JPEG may have fill bytes before a marker', () => {
  expect(imageContent(Buffer.concat([JPEG.subarray(0, 2), Buffer.alloc(3, 0xff), JPEG.subarray(2)]))).toMatchObject({
    isComplete: true,
  })
})

test.each(['', 'text', 'RIFF1234WAVE', '\x89PNG', 'GIF88a'])('%j does not begin like an image', (text) => {
  expect(imageContent(Buffer.from(text, 'latin1'))).toBeUndefined()
})
