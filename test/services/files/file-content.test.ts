import { expect, test } from 'vitest'
import { contentOf } from '../../../src/services/files/file-content.ts'
import { GIF, JPEG, PNG, WEBP } from '../../support/images.ts'

test.each([
  ['image/png', PNG, 'PNG'],
  ['image/jpeg', JPEG, 'JPEG'],
  ['image/gif', GIF, 'GIF'],
  ['image/webp', WEBP, 'WebP'],
])('%s by its bytes, if all of them are there', (mime, bytes, format) => {
  expect(contentOf(bytes)).toEqual({ kind: 'image', mime })
  expect(contentOf(bytes.subarray(0, -3))).toEqual({ kind: 'neither', reason: `is not a complete ${format} image` })
})

test.each(['GIF89a is a format\n', 'RIFF1234WEBP\n'])('a text that begins like an image is a text: %j', (text) => {
  expect(contentOf(Buffer.from(text))).toEqual({ kind: 'text', text, hasMark: false })
})

test('text is UTF-8, with or without a mark', () => {
  expect(contentOf(Buffer.from('größe 😀\r\n'))).toEqual({ kind: 'text', text: 'größe 😀\r\n', hasMark: false })
  expect(contentOf(Buffer.from('\uFEFFa\uFEFF'))).toEqual({ kind: 'text', text: 'a\uFEFF', hasMark: true })
  expect(contentOf(Buffer.alloc(0))).toEqual({ kind: 'text', text: '', hasMark: false })
  expect(contentOf(Buffer.from('<svg/>'))).toMatchObject({ kind: 'text' })
})

test('nothing else is taken', () => {
  expect(contentOf(Buffer.from('a\0b'))).toEqual({ kind: 'neither', reason: 'is binary' })
  expect(contentOf(Buffer.from('größe', 'latin1'))).toMatchObject({ reason: 'is binary, or text that is not UTF-8' })
  expect(contentOf(Buffer.from('\uFEFFhello', 'utf16le'))).toMatchObject({ reason: expect.stringContaining('UTF-16') })
  expect(contentOf(Buffer.from('feff0061', 'hex'))).toMatchObject({ reason: expect.stringContaining('UTF-16') })
  expect(contentOf(PNG.subarray(0, 7))).toMatchObject({ kind: 'neither' })
  expect(contentOf(Buffer.from('RIFF0000WAVE\0'))).toMatchObject({ kind: 'neither' })
  // Half a character, as a cut file has it.
  expect(contentOf(Buffer.from('ö').subarray(0, 1))).toMatchObject({ kind: 'neither' })
})
