import { randomBytes } from 'node:crypto'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createPlanRegistration } from '../../../src/services/plan/plan-registration.ts'
import { plainUser, startChild, startChildren } from '../../support/child.ts'
import { errorOf, shown } from '../../support/error-of.ts'
import { tempFolder } from '../../support/temp-folder.ts'
import { createTestClock } from '../../support/test-clock.ts'

const A = 'oaiapp_FAKE-a'
const B = 'oaiapp_FAKE-b'
const TEN_MINUTES_MS = 600_000
const HOST_ID = /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

function setUp({ startMs = 1_790_000_000_999, stored }: { startMs?: number; stored?: unknown } = {}) {
  const folder = tempFolder()
  const hostFile = join(folder, 'plan-host-id')
  const file = join(folder, 'plan-registration.json')
  if (stored !== undefined) fs.writeFileSync(file, JSON.stringify(stored))
  const clock = createTestClock(startMs)
  const open = () => createPlanRegistration({ folder, randomBytes, now: clock.now })
  return {
    folder,
    hostFile,
    file,
    clock,
    open,
    registration: open(),
    json: () => JSON.parse(fs.readFileSync(file, 'utf8')),
  }
}

/** Runs one program per deed, round by round at the same moment; what each reports. */
async function race(folder: string, rounds: number, deeds: readonly string[]): Promise<unknown[]> {
  const children = await startChildren(
    'registers',
    deeds.map((deed) => [folder, String(rounds), deed]),
  )
  const firstAt = Date.now() + 20
  for (const child of children) child.tell(firstAt)
  return Promise.all(children.map((child) => child.next()))
}

describe('the host id', () => {
  test('is made once, for this user alone, and stays', () => {
    const { hostFile, registration, open } = setUp()
    const id = registration.hostId()
    expect(id).toMatch(HOST_ID)
    expect([registration.hostId(), open().hostId()]).toEqual([id, id])
    expect(fs.readFileSync(hostFile, 'utf8')).toBe(`${id}\n`)
    if (process.platform !== 'win32') expect(fs.statSync(hostFile).mode & 0o777).toBe(0o600)
  })

  test('is another one in another installation', () => {
    expect(setUp().registration.hostId()).not.toBe(setUp().registration.hostId())
  })

  test('is the same for processes that make it at the same moment', async () => {
    const rounds = 30
    const [first, ...others] = await race(tempFolder(), rounds, ['host', 'host', 'host', 'host'])
    expect(new Set(first as string[]).size).toBe(rounds)
    for (const id of first as string[]) expect(id).toMatch(HOST_ID)
    for (const ids of others) expect(ids).toEqual(first)
  })

  test.each([
    '',
    'urn:uuid:',
    '919108f7-52d1-4320-9bac-f847db4148a8\n',
    'urn:uuid:919108f7-52d1-7320-9bac-f847db4148a8\n',
    'urn:uuid:919108f7-52d1-4320-9bac-f847db4148a8\nmore',
  ])('is not made anew over a file with %j', async (text) => {
    const { hostFile, registration } = setUp()
    fs.writeFileSync(hostFile, text)
    expect(shown(await errorOf(() => registration.hostId()))).toBe(
      `${hostFile} is damaged: it does not hold the id of this host. Remove it, then sign in again: a new one is made. [STORAGE_CORRUPT]`,
    )
    expect(fs.readFileSync(hostFile, 'utf8')).toBe(text)
  })
})

describe('the client of the next sign-in', () => {
  test('is none before the first registration, and asking makes no file', () => {
    const { file, registration } = setUp()
    expect([registration.clientFor(false), registration.clientFor(true)]).toEqual([undefined, undefined])
    expect(fs.existsSync(file)).toBe(false)
  })

  test('is one that was issued, however long ago its sign-in failed', async () => {
    const { clock, registration, open } = setUp()
    await registration.keepPending(A)
    clock.advance(30 * 86_400_000)
    expect(open().clientFor(false)).toEqual({ clientId: A, subject: undefined })
  })

  test('is the one that signed in, before one that has not', async () => {
    const { registration, json } = setUp()
    await registration.keepPending(A)
    await registration.confirm({ clientId: A, subject: 'sub-FAKE-a' })
    expect(json()).toEqual({ current: { client_id: A, subject: 'sub-FAKE-a' } })
    await registration.keepPending(B)
    expect(registration.clientFor(false)).toEqual({ clientId: A, subject: 'sub-FAKE-a' })
  })

  test('asked for anew, it is one half-way for ten minutes, then none', async () => {
    const { clock, registration } = setUp()
    await registration.confirm({ clientId: A, subject: 'sub-FAKE-a' })
    expect(registration.clientFor(true)).toBeUndefined()
    await registration.keepPending(B)
    expect(registration.clientFor(true)).toEqual({ clientId: B, subject: undefined })
    clock.advance(TEN_MINUTES_MS - 1000)
    expect(registration.clientFor(true)).toEqual({ clientId: B, subject: undefined })
    clock.advance(1000)
    expect(registration.clientFor(true)).toBeUndefined()
  })

  test('asked for anew, it is none from the future: the clock was set back', async () => {
    const { clock, registration } = setUp()
    await registration.keepPending(B)
    clock.advance(-5000)
    expect(registration.clientFor(true)).toBeUndefined()
  })

  test.each(['dynamic_agent_client', 'a&scope=b', '', 7])('is never %j from the file', (client_id) => {
    const { registration } = setUp({ stored: { current: { client_id, subject: 's' }, pending: { client_id } } })
    expect([registration.clientFor(false), registration.clientFor(true)]).toEqual([undefined, undefined])
  })

  test('is the stored one also where its owner or its time are missing', () => {
    const { registration } = setUp({ stored: { current: { client_id: A }, pending: { client_id: B } } })
    expect(registration.clientFor(false)).toEqual({ clientId: A, subject: undefined })
    expect(registration.clientFor(true)).toBeUndefined()
  })
})

describe('what is kept', () => {
  test('a pending registration is on disk with its time in seconds', async () => {
    const { file, registration, json } = setUp()
    await registration.keepPending(A)
    expect(json()).toEqual({ pending: { client_id: A, made_at: 1_790_000_000 } })
    if (process.platform !== 'win32') expect(fs.statSync(file).mode & 0o777).toBe(0o600)
  })

  test('a sign-in replaces the registration and leaves that of another window pending', async () => {
    const { registration, json } = setUp()
    await registration.confirm({ clientId: A, subject: 'sub-FAKE-a' })
    await registration.keepPending('oaiapp_FAKE-other')
    await registration.confirm({ clientId: B, subject: 'sub-FAKE-b' })
    expect(json()).toMatchObject({
      current: { client_id: B, subject: 'sub-FAKE-b' },
      pending: { client_id: 'oaiapp_FAKE-other' },
    })
  })

  test('the id of the registration is not pending as well', async () => {
    const { registration, json } = setUp()
    await registration.confirm({ clientId: A, subject: 'sub-FAKE-a' })
    await registration.keepPending(A)
    expect(json()).toEqual({ current: { client_id: A, subject: 'sub-FAKE-a' } })
  })

  test('a pending id that the service does not know is forgotten, another or one that signed in is not', async () => {
    const { registration } = setUp()
    await registration.confirm({ clientId: A, subject: 'sub-FAKE-a' })
    await registration.keepPending(B)
    await registration.drop(A)
    await registration.drop('oaiapp_FAKE-other')
    expect([registration.clientFor(false)?.clientId, registration.clientFor(true)?.clientId]).toEqual([A, B])
    await registration.drop(B)
    expect([registration.clientFor(false)?.clientId, registration.clientFor(true)]).toEqual([A, undefined])
  })

  test('what has to be told once is told once', async () => {
    const { registration, open } = setUp()
    expect(registration.isNoticeShown()).toBe(false)
    await registration.noticeShown()
    expect(open().isNoticeShown()).toBe(true)
  })

  test('what a later version has written stays', async () => {
    const { registration, json } = setUp({ stored: { later: [1], pending: { client_id: A, made_at: 1 } } })
    await registration.confirm({ clientId: A, subject: 'sub-FAKE-a' })
    await registration.noticeShown()
    expect(json()).toEqual({ later: [1], current: { client_id: A, subject: 'sub-FAKE-a' }, notice_shown: true })
  })

  test('a damaged file is reported and stays', async () => {
    const { file, registration } = setUp()
    fs.writeFileSync(file, '{"current":')
    const deeds = [
      () => registration.clientFor(false),
      () => registration.isNoticeShown(),
      () => registration.keepPending(A),
      () => registration.confirm({ clientId: A, subject: 'sub-FAKE-a' }),
      () => registration.drop(A),
      () => registration.noticeShown(),
    ]
    for (const deed of deeds) {
      const error = await errorOf(async () => deed())
      expect([error.code, error.message]).toEqual(['STORAGE_CORRUPT', `${file} is damaged: it is not a JSON object.`])
    }
    expect(fs.readFileSync(file, 'utf8')).toBe('{"current":')
  })

  test('nothing is lost when three processes write at the same moment', async () => {
    const folder = tempFolder()
    const rounds = 25
    const outcomes = await race(folder, rounds, ['keep', 'confirm', 'notice'])
    expect(outcomes.flat().filter((outcome) => outcome !== 'done')).toEqual([])
    for (let round = 0; round < rounds; round++) {
      expect(JSON.parse(fs.readFileSync(join(folder, String(round), 'plan-registration.json'), 'utf8'))).toEqual({
        current: { client_id: 'oaiapp_FAKE-confirmed', subject: 'sub-FAKE' },
        pending: { client_id: 'oaiapp_FAKE-kept', made_at: expect.any(Number) },
        notice_shown: true,
      })
    }
  })
})

test.runIf(process.platform !== 'win32')('in a folder that is read-only it says so', async () => {
  const parent = tempFolder()
  const folder = join(parent, '0')
  fs.mkdirSync(folder, { mode: 0o755 })
  fs.chmodSync(parent, 0o755)
  fs.chmodSync(folder, 0o555)
  const outcomeOf = async (deed: string) => {
    const child = startChild('registers', [parent, '1', deed], { uid: plainUser })
    await child.next()
    child.tell(0)
    return child.next()
  }
  expect(await outcomeOf('host')).toEqual([
    `STORAGE_FAILED ${join(folder, 'plan-host-id')} could not be written: permission denied.`,
  ])
  expect(await outcomeOf('rehearse')).toEqual([
    `STORAGE_FAILED ${join(folder, 'plan-registration.json')} could not be written: permission denied.`,
  ])
  expect(await outcomeOf('keep')).toEqual([
    `STORAGE_FAILED ${join(folder, 'plan-registration.json')} could not be locked: permission denied.`,
  ])
})
