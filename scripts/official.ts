// Has the newest Codex CLI of the registry sign in by device, refresh and ask at the fake OpenAI, has ours do the same,
// and compares what they sent, field by field: `npm run test:official`. Writes docs/official-client.md. Ends with 1 when
// one of them fails, or when a difference has no reason here.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ensureBuilt } from '../test/support/ensure-built.ts'
import { type Client, runOfficial, runOurs } from './official-clients.ts'
import type { Passed } from './official-door.ts'
import { ONE_SIDED, reasonFor } from './official-reasons.ts'

const ANSWER = 'Hello from the fake Codex.'
const GRANTS = ['authorization_code', 'refresh_token']
/** The hands of HTTP itself, and how long a body is. */
const UNCOMPARED = new Set(['connection', 'content-length', 'transfer-encoding'])

interface Row {
  request: string
  field: string
  official: string
  ours: string
  reason: string | undefined
}

ensureBuilt()
const official = await runOfficial()
const ours = await runOurs()
const problems: string[] = []
for (const [name, { said, grants }] of Object.entries({ official, ours })) {
  if (!said.includes(ANSWER)) problems.push(`${name}: no answer, but ${said.slice(0, 200)}`)
  if (grants.join() !== GRANTS.join()) problems.push(`${name}: grants ${grants.join(', ')}`)
}
const [theirs, own] = [official, ours].map(firstOfEach) as [Map<string, Passed>, Map<string, Passed>]
const rows: Row[] = []
let same = 0
for (const [kind, request] of theirs) {
  const other = own.get(kind)
  if (other !== undefined) compare(kind, fieldsOf(request), fieldsOf(other))
}
const oneSided = [
  ...[...theirs.keys(), ...official.refused]
    .filter((kind) => !own.has(kind))
    .map((kind) => ({ kind, who: 'official' })),
  ...[...own.keys()].filter((kind) => !theirs.has(kind)).map((kind) => ({ kind, who: 'ours' })),
]
  // As they are sent, several at once, they come in another order each time.
  .sort((one, other) => one.kind.localeCompare(other.kind))
  .map(({ kind, who }) => ({ kind, who, reason: ONE_SIDED.find(([pattern]) => pattern.test(kind))?.[1] }))

for (const { request, field, reason } of rows)
  if (reason === undefined) problems.push(`${request}: ${field}: no reason`)
for (const { kind, who, reason } of oneSided) if (reason === undefined) problems.push(`${kind}: only ${who}, no reason`)
write()
for (const problem of problems) console.log(`    ${problem}`)
console.log(
  `Codex CLI ${official.version} and codex-oauth ${ours.version}: both signed in by device, refreshed and got an answer; ` +
    `${same} fields alike, ${rows.length} differ, ${oneSided.length} requests of one side only; ${problems.length} problems`,
)
if (problems.length > 0) process.exitCode = 1

/** The first request of each kind: what comes again says nothing new. */
function firstOfEach({ passed }: Client): Map<string, Passed> {
  const kinds = new Map<string, Passed>()
  for (const request of passed) {
    const kind = kindOf(request)
    if (!kinds.has(kind)) kinds.set(kind, request)
  }
  return kinds
}

function kindOf({ method, host, path, body }: Passed): string {
  const grant = path === '/oauth/token' ? ` (${(body as { grant_type?: string }).grant_type})` : ''
  return `${method} ${host}${path}${grant}`
}

function compare(request: string, one: Map<string, string>, other: Map<string, string>): void {
  for (const field of new Set([...one.keys(), ...other.keys()])) {
    const [official = '–', ours = '–'] = [one.get(field), other.get(field)]
    if (official === ours) same += 1
    else rows.push({ request, field, official, ours, reason: reasonFor(request, field) })
  }
}

/** Headers, query and body as names and values; of what is nested the fields one step down. */
function fieldsOf({ headers, query, body }: Passed): Map<string, string> {
  const fields = new Map<string, string>()
  for (const [name, value] of Object.entries(headers)) if (!UNCOMPARED.has(name)) fields.set(name, shown(value))
  for (const [name, value] of query) fields.set(`?${name}`, shown(value))
  if (typeof body !== 'object' || body === null) return fields
  for (const [name, value] of Object.entries(body)) {
    if (Array.isArray(value) && name === 'input') fields.set('body.input', value.map(itemOf).join(', '))
    else if (typeof value !== 'object' || value === null || Array.isArray(value))
      fields.set(`body.${name}`, shown(value))
    // The official client has another order each time.
    else for (const [inner, part] of Object.entries(value).sort()) fields.set(`body.${name}.${inner}`, shown(part))
  }
  return fields
}

function itemOf(item: { type?: string; role?: string }): string {
  return `${item.type} (${item.role})`
}

/** Without what is different each time. */
function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  const usual = text
    .replace(/[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}/g, '<uuid>')
    .replace(/^Bearer .*/, 'Bearer <token>')
    .replace(/^(?:rt_|ac_|FAKE_verifier|deviceauth_|FAKE-)\S+$/, '<secret>')
    .replace(/\(.*\).*$/, '(…)')
  return usual.length > 60 ? `${usual.slice(0, 60)}…` : usual
}

function write(): void {
  const folder = join(import.meta.dirname, '..', 'docs')
  mkdirSync(folder, { recursive: true })
  const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('\n', ' ')
  const lines = [
    '# What the official client sends, and what we send',
    '',
    'Written by `npm run test:official`, which starts the Codex CLI and codex-oauth with their own addresses in front of the',
    'fake OpenAI of the tests: each signs in with a code on another device, refreshes its login and asks one question.',
    `Compared: Codex CLI ${official.version}, codex-oauth ${ours.version}; ${same} fields are alike, ${rows.length} differ.`,
    '',
    '## Fields that differ',
    '',
    ...['| request | field | Codex CLI | codex-oauth | why |', '|---|---|---|---|---|'],
    ...rows.map(
      ({ request, field, official, ours, reason = '**no reason given**' }) =>
        `| ${cell(request)} | \`${field}\` | ${cell(official)} | ${cell(ours)} | ${reason} |`,
    ),
    '',
    '## Requests of one side only',
    '',
    ...['| request | who | why |', '|---|---|---|'],
    ...oneSided.map(({ kind, who, reason = '**no reason given**' }) => `| ${kind} | ${who} | ${reason} |`),
    '',
  ]
  writeFileSync(join(folder, 'official-client.md'), lines.join('\n'))
}
