import { mkdirSync, rmdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { CodexError } from '../../../src/errors.ts'
import { createDelegation } from '../../../src/services/login/renewal-delegation.ts'
import { type RenewalJob, type RenewalResult, readResult, resultLine } from '../../../src/services/login/renewal-job.ts'
import { gate, late } from '../../support/fake-script.ts'
import { type Bench, type Instance, recordIn, startBench, subjectOf } from '../../support/refresh-bench.ts'

const ROUTES = ['codex', 'plan'] as const

const renew = (instance: Instance) => instance.refresher.renew(recordIn(instance), 'proactive_expiry')

/** As between two processes. */
const overTheWire = (result: RenewalResult) => readResult(resultLine(result))

/** A program whose renewals another one does. */
function delegating(bench: Bench, other: Instance) {
  const jobs: RenewalJob[] = []
  const one = bench.start({
    runInWorker: async (job) => {
      jobs.push(job)
      return overTheWire(await other.refresher.runJob(job))
    },
  })
  return { one, jobs }
}

test.each(ROUTES)('%s: a worker spends the token and stores the answer', async (route) => {
  const bench = await startBench({ route })
  const { one, jobs } = delegating(bench, bench.start())
  bench.signIn()
  const stale = recordIn(one)
  const renewed = await renew(one)
  expect(renewed.accessToken).toBe(bench.stored()?.access_token)
  expect(renewed.accessToken).not.toBe(stale.accessToken)
  const subject = subjectOf(stale.refreshToken ?? '')
  expect(jobs).toEqual([{ route, subject, number: 1, reason: 'proactive_expiry' }])
  expect([bench.refreshes(), bench.beside()]).toEqual([1, []])
})

test('the one that delegated may be gone: the answer is stored', async () => {
  const bench = await startBench()
  const [gone, other] = [bench.start(), bench.start()]
  bench.signIn()
  const subject = subjectOf(recordIn(gone).refreshToken ?? '')
  gone.claims.take(subject, 1)
  expect(await other.refresher.runJob({ route: 'codex', subject, number: 1, reason: 'proactive_expiry' })).toEqual({
    kind: 'over',
  })
  expect([bench.stored()?.refresh_token, bench.beside()]).toEqual(['rt_FAKE_f1_2', []])
})

test('a job that comes late spends nothing', async () => {
  const bench = await startBench()
  const [one, other] = [bench.start(), bench.start()]
  bench.signIn()
  const subject = subjectOf(recordIn(one).refreshToken ?? '')
  const job: RenewalJob = { route: 'codex', subject, number: 1, reason: 'proactive_expiry' }
  expect(await other.refresher.runJob(job)).toEqual({ kind: 'over' })
  one.claims.take(subject, 1)
  one.claims.take(subject, 2)
  expect(await other.refresher.runJob(job)).toEqual({ kind: 'over' })
  one.claims.release(subject)
  await renew(one)
  one.claims.take(subject, 1)
  expect(await other.refresher.runJob(job)).toEqual({ kind: 'over' })
  expect(bench.refreshes()).toBe(1)
})

test('where no other process can be had, it is done here', async () => {
  const bench = await startBench()
  const one = bench.start({ runInWorker: async () => undefined })
  bench.signIn()
  expect((await renew(one)).refreshToken).toBe('rt_FAKE_f1_2')
  expect([bench.refreshes(), bench.beside()]).toEqual([1, []])
})

test('of a process that is slow to start and the one that waited for it, one spends', async () => {
  const bench = await startBench()
  bench.signIn()
  const other = bench.start()
  const one = bench.start()
  const current = recordIn(one)
  const subject = subjectOf(current.refreshToken ?? '')
  one.claims.take(subject, 1)
  const started = gate()
  let result: RenewalResult | undefined
  const delegation = createDelegation({
    claims: one.claims,
    finish: () => expect.unreachable(),
    remember: () => expect.unreachable(),
    route: { name: 'codex' },
    log: { event: () => {} },
    startMs: 5,
    runInWorker: async (job) => {
      await started.promise
      result = await other.refresher.runJob(job)
      return result
    },
  })
  const attempt = { current, subject, number: 1, fails: 0, reason: 'proactive_expiry' as const }
  expect(await delegation.delegate(attempt)).toBe(2)
  started.open()
  await expect.poll(() => result).toEqual({ kind: 'over' })
  expect(bench.refreshes()).toBe(0)
})

test('processes that claim and end without a word are not started for ever', async () => {
  const bench = await startBench()
  bench.signIn()
  const dying = bench.start({
    claims: (real) => ({ ...real, ownerIsDead: () => true }),
    runInWorker: async ({ subject, number }) => {
      bench.start().claims.take(subject, number + 1)
      starts += 1
      return undefined
    },
  })
  let starts = 0
  expect((await renew(dying)).refreshToken).toBe('rt_FAKE_f1_2')
  expect([starts, bench.refreshes()]).toEqual([2, 1])
})

test('what went wrong there is said here, and waited out by all', async () => {
  const bench = await startBench()
  const { one, jobs } = delegating(bench, bench.start())
  bench.signIn()
  bench.fake.script.token.push({ status: 503, json: {} })
  const message = 'The sign-in could not be renewed (the service answered 503).'
  await expect(renew(one)).rejects.toMatchObject({ code: 'TOKEN_REQUEST_FAILED', message, retryable: true })
  await expect(renew(one)).rejects.toMatchObject({ message: 'The sign-in could not be renewed just now.' })
  expect(jobs).toHaveLength(1)
})

test('a token that is dead there is dead here', async () => {
  const bench = await startBench()
  const { one } = delegating(bench, bench.start())
  bench.signIn()
  bench.fake.script.token.push({ status: 401, json: { error: { code: 'refresh_token_reused' } } })
  await expect(renew(one)).rejects.toMatchObject({ code: 'NOT_AUTHENTICATED' })
  expect(bench.stored()?.refresh_failed).toBeDefined()
})

test('what cannot be stored there is stored there as soon as it can, and nobody spends the token again', async () => {
  const bench = await startBench()
  const other = bench.start({ lockWaitMs: 20 })
  const { one } = delegating(bench, other)
  bench.signIn()
  const answer = gate()
  bench.fake.script.token.push(late(answer.promise))
  const renewal = renew(one)
  await bench.fake.arrival('/oauth/token', 1)
  mkdirSync(`${bench.file}.lock`)
  answer.open()
  await expect(renewal).rejects.toMatchObject({
    code: 'TOKEN_REQUEST_FAILED',
    message: expect.stringContaining('stored'),
  })
  const waiting = renew(one)
  rmdirSync(`${bench.file}.lock`)
  await other.refresher.settled()
  expect((await waiting).refreshToken).toBe('rt_FAKE_f1_2')
  expect([bench.refreshes(), bench.fake.seen.reuses, bench.fake.seen.revocations]).toEqual([1, 0, []])
})

test('where neither of the two can claim any more, nobody has to wait for them', async () => {
  const bench = await startBench()
  bench.signIn()
  const taken: number[] = []
  const full = bench.start({
    claims: (real) => ({
      ...real,
      take: (subject, number, fails) => {
        if (taken.push(number) > 1) throw new CodexError('STORAGE_FAILED', 'No room.')
        return real.take(subject, number, fails)
      },
    }),
    runInWorker: async () => undefined,
  })
  await expect(renew(full)).rejects.toMatchObject({ code: 'STORAGE_FAILED' })
  const [claim] = full.claims.list()
  expect(claim).toMatchObject({ number: 1, done: true })
  expect((await renew(bench.start())).refreshToken).toBe('rt_FAKE_f1_2')
})
