import { readFileSync, writeFileSync } from 'node:fs'
import fc from 'fast-check'
import { CodexError } from '../../../../src/errors.ts'
import { readSharedFile } from '../../../../src/infrastructure/shared-file.ts'
import { createSharedJson } from '../../../../src/infrastructure/shared-json.ts'
import { textWith } from '../../../../src/infrastructure/stored-text.ts'
import {
  CODEX_PLACE,
  keysOf,
  RECORD_FIELDS,
  type RecordPlace,
  recordIn,
  sealedIn,
  type TokenRecord,
  toDisk,
} from '../../../../src/infrastructure/token-record.ts'
import { createTokenStorage } from '../../../../src/infrastructure/token-storage.ts'
import { withRecord } from '../../../../src/infrastructure/token-text.ts'
import type { Vault } from '../../../../src/infrastructure/vault.ts'
import { createPlanRegistration } from '../../../../src/services/plan/plan-registration.ts'
import { aVault } from '../../vaults.ts'
import {
  bytesOf,
  damaged,
  damagedBytes,
  damagedText,
  json,
  jsonText,
  nested,
  number,
  text,
  whole,
  word,
} from '../generators.ts'
import { assert, ours, oursLater } from '../properties.ts'
import { discard, freshPath } from '../scratch-folder.ts'
import { type FuzzTarget, target } from '../target.ts'

const NOW = 1_790_000_000_000
const FILE = '/home/me/.claude/auth.json'
const PLAN_PLACE: RecordPlace = { key: 'codex_plan' }

/** A property of a JSON object as it is written, so that every way to write it counts. */
type Written = [name: string, value: string]

const rawNumber = fc.constantFrom('1.50', '1e5', '12345678901234567890', '-0', '0.1E+2', '1.0')
const rawValue = fc.oneof(
  { weight: 3, arbitrary: json.map((value) => JSON.stringify(value)) },
  { weight: 2, arbitrary: rawNumber },
  {
    weight: 1,
    arbitrary: fc
      .array(
        fc.oneof(
          rawNumber,
          word(5).map((value) => `"${value}"`),
        ),
        { maxLength: 4 },
      )
      .map((all) => `[ ${all.join(' ,\n')} ]`),
  },
  { weight: 1, arbitrary: json.map((value) => JSON.stringify({ x: value }, null, 3)) },
)
const written = (name: fc.Arbitrary<string>, value: fc.Arbitrary<string> = rawValue): fc.Arbitrary<Written> =>
  fc.tuple(
    fc.oneof(
      { weight: 5, arbitrary: name.map((one) => JSON.stringify(one)) },
      { weight: 1, arbitrary: name.map(escapedName) },
    ),
    value,
  )

/** The same name in other letters of JSON. */
function escapedName(name: string): string {
  const escapes = Array.from(
    { length: name.length },
    (_, at) => `\\u${name.charCodeAt(at).toString(16).padStart(4, '0')}`,
  )
  return `"${escapes.join('')}"`
}

const tokens = fc.oneof(word(60), fc.constantFrom('a', 'x'.repeat(2000)))
const ms = fc.integer({ min: 1_600_000_000, max: NOW / 1000 + 1_000_000 }).map((seconds) => seconds * 1000)
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })

/** Kept as what it is on disk: that is JSON. */
const record: fc.Arbitrary<Record<string, string | number>> = fc
  .record({
    accessToken: tokens,
    refreshToken: optional(tokens),
    idToken: optional(tokens),
    tokenType: optional(fc.constant('Bearer')),
    expiresAt: optional(ms),
    accountId: optional(word()),
    savedAt: optional(ms),
    refreshedAt: optional(ms),
    method: optional(fc.constantFrom('browser', 'device', 'api_key')),
    refreshFailed: optional(word()),
    baseUrl: optional(fc.constant('https://api.openai.com/v1')),
    clientId: optional(word()),
    scope: optional(fc.constant('openid profile')),
    earliestRefreshAt: optional(ms),
    selectedAt: optional(ms),
  })
  .map((one) => JSON.parse(JSON.stringify(toDisk(one))))

const fieldName = fc.oneof(fc.constantFrom(...RECORD_FIELDS, '__proto__', 'sealed', 'scope', 'x'), text)
const ownRecord = fc
  .array(
    written(
      fieldName,
      fc.oneof(
        rawValue,
        tokens.map((value) => JSON.stringify(value)),
      ),
    ),
    { maxLength: 6 },
  )
  .map((fields) => objectText(fields, ' '))
const layout = fc.constantFrom('', ' ', '\n', '\n  ', '\r\n\t', '\t')
const file = fc.record({
  gap: layout,
  members: fc.array(
    fc.oneof(
      { weight: 3, arbitrary: written(text) },
      {
        weight: 2,
        arbitrary: written(
          fc.constantFrom('codex', 'openai_codex', 'codex_plan'),
          fc.oneof(ownRecord, ownRecord, rawValue),
        ),
      },
      { weight: 1, arbitrary: written(fc.constantFrom('__proto__', 'Codex', 'codex ', 'claudeAiOauth')) },
    ),
    { maxLength: 6 },
  ),
})

function objectText(members: readonly Written[], gap: string): string {
  return `{${gap}${members.map(([name, value]) => `${name}:${gap === '' ? '' : ' '}${value}`).join(`,${gap}`)}${gap.replace(/[ \t]+$/, '')}}`
}

/** What is not ours, letter by letter, has to stand there in the same order. */
function assertForeignKept(members: readonly Written[], gap: string, after: string, place: RecordPlace): void {
  let from = 0
  const names = keysOf(place)
  for (const [name, value] of members) {
    if (names.includes(JSON.parse(name))) continue
    const source = `${name}:${gap === '' ? '' : ' '}${value}`
    const at = after.indexOf(source, from)
    assert.notEqual(at, -1, `lost: ${source.slice(0, 200)}`)
    from = at + source.length
  }
  const foreign = (root: object) => Object.keys(root).filter((name) => !names.includes(name))
  assert.deepEqual(foreign(JSON.parse(after)), foreign(JSON.parse(objectText(members, gap))))
}

function recordOf(fields: Record<string, string | number>): TokenRecord {
  const found = recordIn(JSON.stringify({ codex: fields }), { path: () => FILE, now: NOW, open: noVault })
  assert.ok(found !== undefined)
  return found
}

function noVault(): never {
  throw new Error('There is nothing sealed here.')
}

const tokenText = target({
  name: 'token-text',
  share: 0.5,
  cases: fc.record({ file, next: fc.option(record, { nil: null }), onPlan: fc.boolean() }),
  check({ file: { members, gap }, next, onPlan }) {
    const before = objectText(members, gap)
    const place = onPlan ? PLAN_PLACE : CODEX_PLACE
    let after: string
    try {
      after = withRecord(before, next === null ? undefined : recordOf(next), place)
    } catch (error) {
      // It may say no; what it must not do is to write something else.
      return assert.ok(error instanceof Error)
    }
    const root: Record<string, unknown> = JSON.parse(after)
    assertForeignKept(members, gap, after, place)
    if (next === null) return assert.ok(keysOf(place).every((name) => !Object.hasOwn(root, name)))
    const read = recordIn(after, { path: () => FILE, place, now: NOW, open: noVault })
    assert.deepEqual(read, recordOf(next), 'what is written is read back')
    assert.equal(withRecord(after, recordOf(next), place), after, 'the same once more changes nothing')
  },
})

const opened = fc.oneof(
  ownRecord,
  record.map((one) => JSON.stringify(one)),
  text,
)
const tokenRecord = target({
  name: 'token-record',
  cases: fc.record({
    file: fc.oneof(
      { weight: 3, arbitrary: file.map(({ members, gap }) => objectText(members, gap)) },
      { weight: 3, arbitrary: record.chain((one) => jsonText(fc.constant({ codex: one }))) },
      { weight: 1, arbitrary: jsonText(json) },
      { weight: 2, arbitrary: damagedText(fc.constant('{"codex":{"sealed":{}}}')) },
    ),
    opened,
  }),
  check({ file: said, opened: inside }) {
    const found = ours(
      () => recordIn(said, { path: () => FILE, now: NOW, open: () => ({ text: inside }) }),
      'STORAGE_CORRUPT',
    )
    ours(() => sealedIn(said, { path: () => FILE }), 'STORAGE_CORRUPT')
    if (found === undefined || found instanceof CodexError) return
    for (const [name, value] of Object.entries(toDisk(found))) {
      if (typeof value === 'string')
        assert.match(value, name === 'granted_scope' ? /^[ -~]{1,4096}$/ : /^[!-~]{1,65536}$/)
      if (typeof value === 'number') assert.ok(Number.isSafeInteger(value) && value >= 0)
    }
  },
})

const damagedFile = fc.oneof(
  { weight: 4, arbitrary: file.map(({ members, gap }) => objectText(members, gap)) },
  { weight: 3, arbitrary: damagedText(file.map(({ members, gap }) => objectText(members, gap))) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 3 }).map((n) => nested(10 ** n * 20)) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 3 }).map((n) => `{"codex":${nested(10 ** n * 20)},"a":1}`) },
)

const storedText = target({
  name: 'stored-text',
  share: 0.1,
  cases: fc.record({
    before: damagedFile,
    first: record,
    later: record,
    form: fc.constantFrom('file' as const, 'encrypted' as const),
  }),
  limitMs: 3_000,
  async check({ before, first, later, form }) {
    const vault = aVault({ store: form, passphrase: 'a passphrase' })
    const one = await stored(before, recordOf(first), vault)
    if (one instanceof CodexError) return
    const two = await stored(one, recordOf(later), vault)
    const place = CODEX_PLACE
    assert.ok(typeof two === 'string', 'what was written once can be written again')
    const open = vault.open
    assert.deepEqual(recordIn(two, { path: () => FILE, place, now: NOW, open }), recordOf(later))
    if (form === 'encrypted') {
      const { access_token: token } = later
      if (`${token}`.length > 20 && !before.includes(`${token}`)) assert.ok(!two.includes(`${token}`))
    }
    const out = await stored(two, undefined, vault)
    assert.ok(typeof out === 'string')
    assert.equal(recordIn(out, { path: () => FILE, place, now: NOW, open }), undefined)
  },
})

async function stored(before: string, next: TokenRecord | undefined, vault: Vault): Promise<string | CodexError> {
  const place = CODEX_PLACE
  const fresh = vault.form === 'plain' ? undefined : await vault.newKey()
  const made = ours(() => textWith(before, next, { file: FILE, place, vault, fresh }), 'STORAGE_CORRUPT')
  assert.ok(made !== undefined, 'there was a key')
  return made
}

const box = fc.record({
  v: fc.constantFrom(1, 2, '1'),
  key: fc.constantFrom('passphrase', 'machine', 'keychain', 'x'),
  salt: fc.constantFrom('A'.repeat(22), 'A'.repeat(21), ''),
  of: fc.constantFrom('', 'ab12'),
  iv: fc.constantFrom('A'.repeat(16), 'A'),
  tag: fc.constantFrom('A'.repeat(22), 'A'),
  data: fc.oneof(word(), text),
})

const vaults = target({
  name: 'vault',
  cases: fc.record({
    sealed: fc.oneof(damaged(box), json),
    content: text,
    of: fc.constantFrom('', 'ab12'),
    flip: fc.tuple(fc.nat(5), fc.nat(5000)),
  }),
  async check({ sealed, content, of, flip: [which, at] }) {
    const vault = aVault({ store: 'encrypted', passphrase: 'a passphrase' })
    await vault.unlock(sealed)
    assert.ok('unopened' in vault.open(sealed), 'what nobody has sealed was opened')
    const said = whole(content)
    const own = JSON.parse(JSON.stringify(vault.seal(said, of, { replaced: undefined, fresh: await vault.newKey() })))
    await vault.unlock(own)
    assert.deepEqual(vault.open(own), { text: said })
    const name = ['salt', 'of', 'iv', 'tag', 'data'][which % 5] ?? ''
    const old = `${own[name]}`
    if (old === '') return
    const place = at % old.length
    const bent = `${old.slice(0, place)}${old[place] === 'A' ? 'B' : 'A'}${old.slice(place + 1)}`
    const other = { ...own, [name]: bent }
    await vault.unlock(other)
    const read = vault.open(other)
    // The last letter of base64url has bits that mean nothing.
    if ('text' in read) assert.ok(place === old.length - 1 && read.text === said, 'what was changed was opened')
  },
})

const sharedFile = target({
  name: 'shared-file',
  share: 0.2,
  cases: damagedBytes(fc.oneof(damagedFile, text)),
  check(latin) {
    const path = freshPath('shared')
    writeFileSync(path, bytesOf(latin))
    const read = ours(() => readSharedFile(path), 'STORAGE_CORRUPT')
    if (!(read instanceof CodexError)) assert.deepEqual(Buffer.from(read?.text ?? ''), bytesOf(latin), 'byte for byte')
    discard(path)
  },
})

const credentialsFile = target({
  name: 'credentials-file',
  share: 0.05,
  limitMs: 3_000,
  cases: fc.record({
    before: damagedBytes(damagedFile),
    next: record,
    form: fc.constantFrom('file' as const, 'encrypted' as const),
  }),
  async check({ before, next, form }) {
    const folder = freshPath('credentials')
    const path = `${folder}.json`
    const vault = aVault({ store: form, passphrase: 'a passphrase' })
    writeFileSync(path, bytesOf(before), { mode: 0o600 })
    const storage = createTokenStorage({ file: path, vault, now: () => NOW })
    await storage.unlock()
    ours(() => storage.read(), 'STORAGE_CORRUPT')
    const end = await oursLater(() => storage.update(() => recordOf(next)), 'STORAGE_CORRUPT')
    if (end instanceof CodexError) assert.deepEqual(readFileSync(path), bytesOf(before), 'a damaged file is left alone')
    else assert.deepEqual(storage.read().record, recordOf(next))
    discard(path)
  },
})

const registrationJson = fc.record({
  current: fc.record({ client_id: fc.oneof(word(), text), subject: text }),
  pending: fc.record({ client_id: fc.oneof(word(), text), made_at: fc.oneof(fc.constant(NOW / 1000), number) }),
  notice_shown: fc.constantFrom(true, false, 'yes'),
  other: json,
})

const HOST_ID = 'urn:uuid:00000000-0000-4000-8000-000000000000\n'

const registration = target({
  name: 'registration',
  // One that is damaged may be one that is being written, and is waited for.
  share: 0.02,
  cases: fc.record({
    file: damagedBytes(jsonText(registrationJson)),
    host: fc.oneof(
      { weight: 9, arbitrary: fc.constant(HOST_ID) },
      { weight: 1, arbitrary: damagedBytes(fc.constant(HOST_ID)) },
    ),
  }),
  async check({ file: latin, host }) {
    const folder = freshPath('registration')
    const own = createPlanRegistration({ folder, randomBytes: (size) => Buffer.alloc(size, 7), now: () => NOW })
    ours(() => own.rehearse())
    writeFileSync(own.files.registration, bytesOf(latin))
    writeFileSync(own.files.hostId, bytesOf(host))
    const id = ours(() => own.hostId(), 'STORAGE_CORRUPT')
    if (!(id instanceof CodexError)) assert.match(id, /^urn:uuid:[0-9a-f-]{36}$/)
    for (const anew of [true, false]) {
      const found = ours(() => own.clientFor(anew), 'STORAGE_CORRUPT')
      if (found !== undefined && !(found instanceof CodexError)) assert.match(found.clientId, /^[\w-]{1,200}$/)
    }
    ours(() => own.isNoticeShown(), 'STORAGE_CORRUPT')
    const end = await oursLater(() => own.keepPending('oaiapp_new'), 'STORAGE_CORRUPT')
    if (end instanceof CodexError) assert.deepEqual(readFileSync(own.files.registration), bytesOf(latin))
    else assert.ok(own.clientFor(true)?.clientId === 'oaiapp_new' || own.clientFor(false)?.clientId === 'oaiapp_new')
    discard(folder)
  },
})

const sharedJson = target({
  name: 'shared-json',
  share: 0.05,
  cases: fc.record({ file: damagedBytes(jsonText(json)), value: json }),
  async check({ file: latin, value }) {
    const path = freshPath('shared.json')
    writeFileSync(path, bytesOf(latin))
    const shared = createSharedJson({ file: path, now: () => NOW })
    const before = ours(() => shared.read(), 'STORAGE_CORRUPT')
    const end = await oursLater(() => shared.change((object) => ({ ...object, added: value })), 'STORAGE_CORRUPT')
    if (before instanceof CodexError) assert.ok(end instanceof CodexError)
    if (end instanceof CodexError) {
      assert.deepEqual(readFileSync(path), bytesOf(latin), 'what cannot be changed is left alone')
    } else
      assert.deepEqual(
        shared.read(),
        { ...before, added: JSON.parse(JSON.stringify(value)) },
        'what is written is read back',
      )
    discard(path)
  },
})

export const CREDENTIALS_TARGETS: readonly FuzzTarget[] = [
  ...[tokenText, tokenRecord, storedText, vaults, sharedFile, credentialsFile, registration, sharedJson],
]
