import { webcrypto } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import {
  KDF,
  type KeyName,
  nameOf,
  openBox,
  readBox,
  type SealedBox,
  sealBox,
} from '../../src/infrastructure/sealed-box.ts'

const KEY = Buffer.alloc(32, 7)
const IV = Buffer.alloc(12, 9)
const ID = Buffer.alloc(16, 5).toString('base64url')
const OF = '0123456789abcdef0123'
const TEXT = '{"access_token":"FAKE-at","ü":1.50}'
const passphrase: KeyName = { kind: 'passphrase', id: ID }

/** A box as it comes back from a file. */
const sealed = (name = passphrase): Record<string, unknown> =>
  JSON.parse(JSON.stringify(sealBox(TEXT, name, KEY, IV, OF)))
const open = (value: unknown, key: Uint8Array = KEY) => {
  const box = readBox(value)
  return box === undefined ? undefined : openBox(box, key)
}

test.each(['passphrase', 'machine', 'keychain'] as const)(
  'a text under a key of kind %s comes out as it was',
  (kind) => {
    const value = sealed({ kind, id: ID })
    expect(open(value)).toBe(TEXT)
    expect(nameOf(readBox(value) as SealedBox)).toEqual({ kind, id: ID })
    expect(JSON.stringify(value)).not.toContain('FAKE')
  },
)

test('it is AES-256-GCM over the text, bound to everything beside it', async () => {
  const { data, tag } = sealed() as unknown as SealedBox
  const bound = JSON.stringify(['stored credentials', 1, 'passphrase', KDF, ID, OF])
  const key = await webcrypto.subtle.importKey('raw', KEY, 'AES-GCM', false, ['decrypt'])
  const text = await webcrypto.subtle.decrypt(
    { name: 'AES-GCM', iv: IV, additionalData: Buffer.from(bound), tagLength: 128 },
    key,
    Buffer.concat([Buffer.from(data, 'base64url'), Buffer.from(tag, 'base64url')]),
  )
  expect(Buffer.from(text).toString('utf8')).toBe(TEXT)
})

test('another key opens nothing', () => {
  expect(open(sealed(), Buffer.alloc(32, 8))).toBeUndefined()
})

/** The same field with another character at one place. */
const flipped = (value: unknown, at: number) => {
  const text = String(value)
  const place = at < 0 ? text.length + at : at
  return text.slice(0, place) + (text[place] === 'A' ? 'B' : 'A') + text.slice(place + 1)
}
const damages: [string, (box: Record<string, unknown>) => unknown][] = [
  ['its first byte changed', (box) => ({ ...box, data: flipped(box.data, 0) })],
  ['its last byte changed', (box) => ({ ...box, data: flipped(box.data, -2) })],
  ['unused bits at its end set', (box) => ({ ...box, tag: `${String(box.tag).slice(0, -1)}B` })],
  ['its content cut', (box) => ({ ...box, data: String(box.data).slice(0, -4) })],
  ['its content empty', (box) => ({ ...box, data: '' })],
  ['its content doubled', (box) => ({ ...box, data: `${box.data}${box.data}` })],
  ['its content gone', ({ data, ...box }) => box],
  ['its tag changed', (box) => ({ ...box, tag: flipped(box.tag, 3) })],
  ['its tag cut to 12 bytes', (box) => ({ ...box, tag: String(box.tag).slice(0, 16) })],
  [
    'its tag cut to 4 bytes',
    (box) => ({ ...box, tag: Buffer.from(String(box.tag), 'base64url').subarray(0, 4).toString('base64url') }),
  ],
  ['another iv', (box) => ({ ...box, iv: flipped(box.iv, 5) })],
  ['an iv of 16 bytes', (box) => ({ ...box, iv: Buffer.alloc(16, 9).toString('base64url') })],
  ['no iv', ({ iv, ...box }) => box],
  ['another salt', (box) => ({ ...box, salt: flipped(box.salt, 0) })],
  ['a salt that is a number', (box) => ({ ...box, salt: 17 })],
  ['a salt as long as a book', (box) => ({ ...box, salt: 'A'.repeat(100_000) })],
  ['another kind of derived key', (box) => ({ ...box, key: 'machine' })],
  ['another kind of key', ({ kdf, ...box }) => ({ ...box, key: 'keychain' })],
  ['a kind that is inherited', (box) => ({ ...box, key: 'constructor' })],
  ['another subject', (box) => ({ ...box, of: 'f'.repeat(20) })],
  ['no subject', (box) => ({ ...box, of: '' })],
  ['a subject that is a text of others', (box) => ({ ...box, of: '<b>' })],
  ['another version', (box) => ({ ...box, v: 2 })],
  ['a version that is a text', (box) => ({ ...box, v: '1' })],
  ['a derivation that would take all memory', (box) => ({ ...box, kdf: { ...KDF, n: 2 ** 30 } })],
  ['a derivation that is cheap', (box) => ({ ...box, kdf: { ...KDF, n: 2 } })],
  ['a derivation with something beside it', (box) => ({ ...box, kdf: { ...KDF, more: 1 } })],
  ['no derivation', ({ kdf, ...box }) => box],
  ['base64 of another alphabet', (box) => ({ ...box, data: `${String(box.data).slice(0, -1)}+` })],
  ['padding', (box) => ({ ...box, tag: `${box.tag}==` })],
  ['a line break in it', (box) => ({ ...box, data: `${String(box.data).slice(0, 4)}\n${String(box.data).slice(4)}` })],
  ['a NUL in it', (box) => ({ ...box, iv: `${String(box.iv).slice(0, -1)}\0` })],
  ['its fields in its prototype', (box) => ({ ['__proto__']: box })],
  ['its fields inherited', (box) => Object.create(box)],
]

describe('a box does not open with', () => {
  test.each(damages)('%s', (_, damage) => {
    expect(open(damage(sealed()))).toBeUndefined()
    expect(({} as { v?: number }).v).toBeUndefined()
  })
})

test.each([undefined, null, 1, 'text', [], {}, [[]], true, { sealed: {} }])('%j is no box', (value) => {
  expect(readBox(value)).toBeUndefined()
})

test('a field more does not matter, and does not come along', () => {
  const box = readBox({ ...sealed(), note: 1, __proto__: { polluted: 1 } })
  expect(Object.keys(box ?? {})).toEqual(['v', 'key', 'kdf', 'salt', 'of', 'iv', 'tag', 'data'])
})

test('what was sealed under a key of one kind does not open as one of another, whatever the key', () => {
  for (const kind of ['passphrase', 'machine'] as const) {
    const other = kind === 'machine' ? 'passphrase' : 'machine'
    expect(open({ ...sealed({ kind, id: ID }), key: other })).toBeUndefined()
    expect(open({ ...sealed({ kind: 'keychain', id: ID }), key: kind, kdf: KDF })).toBeUndefined()
  }
})

test('a text as large as a file may be', () => {
  const box = sealBox('x'.repeat(700_000), passphrase, KEY, IV, OF)
  expect(openBox(box, KEY)).toBe('x'.repeat(700_000))
})
