import { createCipheriv, createDecipheriv } from 'node:crypto'

/** What a key is made of, or where it is kept. */
export type KeyKind = 'passphrase' | 'machine' | 'keychain'

/** Which key it is, without a word about the key itself. */
export interface KeyName {
  kind: KeyKind
  /** The salt it is derived with, or its name in the keychain: 128 random bits, base64url. */
  id: string
}

/** A text under a key, as it lies in a file. All values but `v`, `key` and `kdf` are base64url or hex. */
export interface SealedBox {
  v: 1
  key: KeyKind
  /** How the key is derived: only for people and for later versions, because `v` fixes it. */
  kdf?: typeof KDF
  /** The `id` of its name. */
  salt: string
  /** What the content is about, readable without the key; it cannot be changed without the key. */
  of: string
  iv: string
  tag: string
  data: string
}

export const IV_BYTES = 12
export const KEY_BYTES = 32
export const ID_BYTES = 16
/** RFC 7914. It takes about 250 ms and 32 MB, once per process: as costly to guess as OWASP asks for. */
export const KDF = { name: 'scrypt', n: 32_768, r: 8, p: 3 } as const

const TAG_BYTES = 16

/** `text` under AES-256-GCM (NIST SP 800-38D). The `iv` is random and new for every text. */
export function sealBox(text: string, name: KeyName, key: Uint8Array, iv: Uint8Array, of: string): SealedBox {
  const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: TAG_BYTES })
  cipher.setAAD(boundTo(name, of))
  const data = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
  const tag = cipher.getAuthTag()
  return {
    v: 1,
    key: name.kind,
    ...(name.kind === 'keychain' ? {} : { kdf: KDF }),
    salt: name.id,
    of,
    iv: encode(iv),
    tag: encode(tag),
    data: encode(data),
  }
}

/** The text in the box; undefined for another key, and for a box of which a single bit was changed. */
export function openBox(box: SealedBox, key: Uint8Array): string | undefined {
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, decode(box.iv), { authTagLength: TAG_BYTES })
    decipher.setAAD(boundTo(nameOf(box), box.of))
    decipher.setAuthTag(decode(box.tag))
    const text = Buffer.concat([decipher.update(decode(box.data)), decipher.final()])
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(text)
  } catch {
    return undefined
  }
}

export function nameOf({ key, salt }: SealedBox): KeyName {
  return { kind: key, id: salt }
}

/** The box that a value from a file is, or undefined when it is none that this version has made. */
export function readBox(value: unknown): SealedBox | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const fields = new Map(Object.entries(value))
  const bytes = (name: string, size?: number) => readBytes(fields.get(name), size)
  const key = KINDS.find((kind) => kind === fields.get('key'))
  const [salt, iv, tag, data] = [bytes('salt', ID_BYTES), bytes('iv', IV_BYTES), bytes('tag', TAG_BYTES), bytes('data')]
  const of = fields.get('of')
  if (fields.get('v') !== 1 || key === undefined || typeof of !== 'string' || !/^[0-9a-f]{0,40}$/.test(of))
    return undefined
  if (salt === undefined || iv === undefined || tag === undefined || data === undefined) return undefined
  if (key !== 'keychain' && !isOurKdf(fields.get('kdf'))) return undefined
  return { v: 1, key, ...(key === 'keychain' ? {} : { kdf: KDF }), salt, of, iv, tag, data }
}

const KINDS: readonly KeyKind[] = ['passphrase', 'machine', 'keychain']

/** Bound to all that is said about it, so that no box passes for one of another kind, key or subject. */
function boundTo({ kind, id }: KeyName, of: string): Buffer {
  return Buffer.from(JSON.stringify(['stored credentials', 1, kind, kind === 'keychain' ? null : KDF, id, of]))
}

/** A file decides what is computed: only what this version itself would ask for. */
function isOurKdf(value: unknown): boolean {
  const fields = new Map(Object.entries(Object(value)))
  return fields.size === 4 && Object.entries(KDF).every(([name, meant]) => fields.get(name) === meant)
}

/** Exactly as we write it: other spellings of the same bytes are refused. */
function readBytes(value: unknown, size?: number): string | undefined {
  if (typeof value !== 'string') return undefined
  const bytes = decode(value)
  return encode(bytes) === value && (size === undefined || bytes.length === size) ? value : undefined
}

function encode(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url')
}

function decode(text: string): Buffer {
  return Buffer.from(text, 'base64url')
}
