import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createClaimStore } from '../../src/infrastructure/claim.ts'
import { thisPlace, thisProcess } from '../../src/infrastructure/process-identity.ts'
import { hasDisks, startChild, startChildren } from '../support/child.ts'
import { tempFolder } from '../support/temp-folder.ts'

const NOW = 1_790_000_000_000
const DAY_MS = 86_400_000
const SUBJECT = '0123456789abcdef0123'
const OTHER = 'fedcba98765432100000'

function setUp({ now = (): number => NOW, identity = thisProcess() } = {}) {
  const folder = tempFolder()
  const base = join(folder, 'auth.json')
  return {
    base,
    claims: createClaimStore({ base: () => base, now, identity }),
    names: () => fs.readdirSync(folder).sort(),
  }
}

const deadProcess = () => ({ pid: spawnSync(process.execPath, ['-e', '']).pid, place: thisPlace() })

test('without a claim there is no top', () => {
  const { claims } = setUp()
  expect(claims.top(SUBJECT)).toBeUndefined()
})

test('a number is taken once', () => {
  const { base, claims, names } = setUp()
  expect([claims.take(SUBJECT, 1), claims.take(SUBJECT, 1), claims.take(SUBJECT, 2, 3)]).toEqual([true, false, true])
  expect(claims.top(SUBJECT)).toEqual({
    subject: SUBJECT,
    number: 2,
    owner: thisProcess(),
    done: false,
    spent: false,
    fails: 3,
  })
  expect(names()).toEqual([`auth.json.spend.${SUBJECT}.1`, `auth.json.spend.${SUBJECT}.2`])
  expect(fs.statSync(`${base}.spend.${SUBJECT}.1`).mode & 0o777).toBe(0o600)
})

test('numbers are compared as numbers', () => {
  const { claims } = setUp()
  for (const number of [2, 9, 10, 1]) claims.take(SUBJECT, number)
  expect(claims.top(SUBJECT)?.number).toBe(10)
})

test('subjects do not meet', () => {
  const { claims } = setUp()
  claims.take(SUBJECT, 3)
  expect(claims.top(OTHER)).toBeUndefined()
  expect(claims.take(OTHER, 3)).toBe(true)
})

test('all claims can be listed, whatever they are on', () => {
  const { base, claims } = setUp()
  expect(claims.list()).toEqual([])
  claims.take(SUBJECT, 1)
  claims.take(OTHER, 7, 2)
  fs.writeFileSync(`${base}.spend.${SUBJECT}.2`, 'not readable')
  const found = claims.list().sort((a, b) => a.number - b.number)
  expect(found.map(({ subject, number, fails, done }) => [subject, number, fails, done])).toEqual([
    [SUBJECT, 1, 0, false],
    [SUBJECT, 2, 0, false],
    [OTHER, 7, 2, false],
  ])
  expect(found.map((claim) => claims.ownerIsDead(claim))).toEqual([false, false, false])
})

test('a finished claim says until when nobody tries, and how often it failed', () => {
  const { claims, names } = setUp()
  claims.take(SUBJECT, 1)
  claims.finish(SUBJECT, 1, { untilMs: NOW + 2000, fails: 2 })
  expect(claims.top(SUBJECT)).toEqual({
    subject: SUBJECT,
    number: 1,
    owner: thisProcess(),
    done: true,
    spent: false,
    untilMs: NOW + 2000,
    fails: 2,
  })
  claims.finish(SUBJECT, 1, { untilMs: undefined, fails: 2 })
  expect(claims.top(SUBJECT)).toEqual({
    subject: SUBJECT,
    number: 1,
    owner: thisProcess(),
    done: true,
    spent: false,
    fails: 2,
  })
  expect(names()).toEqual([`auth.json.spend.${SUBJECT}.1`])
})

test('a back-off that a clock jump has put more than an hour away is due', () => {
  let now = NOW
  const { claims } = setUp({ now: () => now })
  claims.take(SUBJECT, 1)
  claims.finish(SUBJECT, 1, { untilMs: NOW + 2000, fails: 1 })
  now = NOW - DAY_MS
  expect(claims.top(SUBJECT)).toMatchObject({ done: true })
  expect(claims.top(SUBJECT)?.untilMs).toBeUndefined()
  now = NOW + DAY_MS
  expect(claims.top(SUBJECT)?.untilMs).toBe(NOW + 2000)
})

test('the owner of a claim is alive while its process is, and dead after', () => {
  const { claims } = setUp()
  claims.take(SUBJECT, 1)
  const claim = claims.top(SUBJECT)
  expect(claim && claims.ownerIsDead(claim)).toBe(false)
  expect(claim && claims.ownerIsDead({ ...claim, owner: deadProcess() })).toBe(true)
})

test('an owner of another place is never dead from here', () => {
  const { claims } = setUp({ identity: { ...deadProcess(), place: 'another machine' } })
  claims.take(SUBJECT, 1)
  const claim = claims.top(SUBJECT)
  expect(claim && claims.ownerIsDead(claim)).toBe(false)
})

test.runIf(canUnshare())('a process of another pid namespace is not judged by a pid that means nothing there', () => {
  const { base, claims } = setUp()
  claims.take(SUBJECT, 1)
  const program = new URL('../support/children/judge.ts', import.meta.url).pathname
  const inside = ['--pid', '--fork', '--mount-proc', process.execPath, '--import', import.meta.resolve('tsx')]
  const { stdout } = spawnSync('unshare', [...inside, program, base, SUBJECT], { encoding: 'utf8' })
  expect(stdout).toBe('seen, not dead')
})

test.each([
  ['empty', ''],
  ['half written', '{"pid":17,"pla'],
  ['of another form', '[]'],
  ['null', 'null'],
  ['without a pid', '{"place":"here"}'],
  ['with a pid of 0', `{"pid":0,"place":${JSON.stringify(thisPlace())}}`],
  ['with a text for a pid', `{"pid":"1","place":${JSON.stringify(thisPlace())}}`],
])('a claim that is %s counts as held by someone alive', (_name, body) => {
  const { base, claims } = setUp()
  fs.writeFileSync(`${base}.spend.${SUBJECT}.4`, body)
  const claim = claims.top(SUBJECT)
  expect(claim).toMatchObject({ number: 4, done: false, fails: 0 })
  expect(claim && claims.ownerIsDead(claim)).toBe(false)
})

test('what only looks like a claim is none', () => {
  const { base, claims } = setUp()
  for (const end of ['01', '0', '-1', '1.tmp.1', 'x', '1234567890123456'])
    fs.writeFileSync(`${base}.spend.${SUBJECT}.${end}`, '')
  expect(claims.top(SUBJECT)).toBeUndefined()
})

test('releasing removes all claims of that subject and no other', () => {
  const { claims, names } = setUp()
  for (const number of [1, 2, 11]) claims.take(SUBJECT, number)
  claims.take(OTHER, 1)
  claims.release(SUBJECT)
  claims.release(SUBJECT)
  expect(names()).toEqual([`auth.json.spend.${OTHER}.1`])
})

test('a sweep removes claims older than a day on other subjects, and leftovers, and nothing else', () => {
  const { base, claims, names } = setUp()
  const at = (file: string, ms: number) => fs.utimesSync(file, ms / 1000, ms / 1000)
  const old = `${base}.spend.${OTHER}.1`
  const young = `${base}.spend.${OTHER}.2`
  const current = `${base}.spend.${SUBJECT}.1`
  const leftover = `${current}.tmp.1.${'0'.repeat(20)}`
  for (const file of [base, old, young, current, leftover]) fs.writeFileSync(file, '')
  for (const file of [base, old, current, leftover]) at(file, NOW - DAY_MS - 1000)
  at(young, NOW - DAY_MS + 1000)
  claims.sweep(SUBJECT)
  expect(names().map((name) => name.slice('auth.json'.length))).toEqual([
    '',
    `.spend.${SUBJECT}.1`,
    `.spend.${OTHER}.2`,
  ])
  at(young, NOW - DAY_MS - 1000)
  claims.sweep(undefined)
  expect(names()).toEqual(['auth.json'])
})

test('nothing of a claim is left when its folder is gone, and asking does not fail', () => {
  const missing = join(tempFolder(), 'missing', 'auth.json')
  const claims = createClaimStore({ base: () => missing, now: () => NOW })
  expect(claims.top(SUBJECT)).toBeUndefined()
  claims.release(SUBJECT)
  claims.sweep(SUBJECT)
  expect(() => claims.take(SUBJECT, 1)).toThrow(expect.objectContaining({ code: 'STORAGE_FAILED' }))
  expect(() => claims.finish(SUBJECT, 1, { untilMs: undefined, fails: 0 })).toThrow(
    expect.objectContaining({ code: 'STORAGE_FAILED' }),
  )
})

test('of eight processes that go for the same claim at once, or for that of a dead owner, one gets it', async () => {
  const [processes, rounds, everyMs] = [8, 80, 15]
  const { base } = setUp()
  const dead = createClaimStore({ base: () => base, now: Date.now, identity: deadProcess() })
  const numbers = Array.from({ length: rounds }, (_, round) => 1 + (round % 2))
  for (const [round, number] of numbers.entries()) if (number === 2) dead.take(String(round), 1)

  const claimants = await startChildren('claimant', Array(processes).fill([base, String(rounds), String(everyMs)]))
  for (const claimant of claimants) claimant.tell(Date.now() + 100)
  const won = (await Promise.all(claimants.map((claimant) => claimant.next()))) as string[][]
  for (const claimant of claimants) claimant.tell('end')
  expect(won.flat().sort()).toEqual(numbers.map((number, round) => `${round}.${number}`).sort())
})

function canUnshare(): boolean {
  return process.platform === 'linux' && spawnSync('unshare', ['--pid', '--fork', '--mount-proc', 'true']).status === 0
}

test('a number that is spent says so, and one that is gone does not come back', () => {
  const { claims, names } = setUp()
  claims.take(SUBJECT, 1, 2)
  claims.markSpent(SUBJECT, 1, 2)
  expect(claims.top(SUBJECT)).toEqual({
    subject: SUBJECT,
    number: 1,
    owner: thisProcess(),
    done: false,
    spent: true,
    fails: 2,
  })
  claims.release(SUBJECT)
  expect(() => claims.markSpent(SUBJECT, 1, 2)).toThrow(expect.objectContaining({ code: 'STORAGE_FAILED' }))
  expect(names()).toEqual([])
})

test.runIf(hasDisks)('on a full disk a claim can still be marked as spent, and an attempt be ended', async () => {
  const folder = tempFolder()
  const child = startChild('gives-up-full', [join(folder, 'base')], { disk: { folder, bytes: 262_144 } })
  expect(await child.next()).toEqual({
    hasRoom: false,
    spent: { subject: 'abc', number: 1, done: false, spent: true, fails: 3 },
    ended: { subject: 'abc', number: 1, done: true, spent: false, untilMs: 6000, fails: 1 },
  })
})
