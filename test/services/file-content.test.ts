import { expect, test } from 'vitest'
import { contentOf } from '../../src/services/file-content.ts'

const PNG = Buffer.from('89504e470d0a1a0a0000000d', 'hex')

test.each([
  ['image/png', PNG],
  ['image/jpeg', Buffer.from('ffd8ffe000104a464946', 'hex')],
  ['image/gif', Buffer.from('GIF89a\x01\x00')],
  ['image/webp', Buffer.from('RIFF\n\x00\x00\x00WEBPVP8 ', 'latin1')],
])('%s by its first bytes', (mime, bytes) => {
  expect(contentOf(bytes)).toEqual({ kind: 'image', mime })
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
