import { readFileSync, watch } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { senderOf } from './fake-route.ts'
import { gate } from './fake-script.ts'
import type { Field, FieldOptions } from './race-field.ts'
import { type RaceResult, runRace } from './race-result.ts'
import type { RaceServer } from './race-server.ts'

export interface KillOptions extends Pick<FieldOptions, 'processes' | 'route'> {
  kills: number
  /** Longest time to an answer for those who survive. */
  withinMs: number
}

/**
 * Kills the server that has just claimed the refresh token, at some point before its request leaves. A kill that
 * came too late for that is not counted: then the issuer drops the request instead of rotating.
 */
export function killHolders({ kills, withinMs, ...options }: KillOptions): Promise<RaceResult> {
  return runRace('holder killed before it sends', options, async (field, score) => {
    let [early, slowestMs] = [0, 0]
    while (early < kills && score.rounds < kills * 6) {
      const decided = gate()
      let victim: RaceServer | undefined
      let tooLate = false
      field.answerRefreshes(async (usual, request) => {
        await decided.promise
        if (senderOf(request) !== victim?.name) return usual()
        tooLate = true
        return { reset: true }
      })
      const claimed = nextClaim(field.folder)
      field.expire()
      const asked = field.ask()
      victim = field.find(await claimed)
      spin(Math.random() * 3)
      victim?.signal('SIGKILL')
      decided.open()
      const survived = (await asked).filter(({ code }) => code !== 'GONE')
      score.expectAnswers(survived, `round ${score.rounds}`)
      score.rounds += 1
      if (victim !== undefined) await field.replace([victim])
      if (!tooLate) {
        early += 1
        slowestMs = Math.max(slowestMs, ...survived.map(({ ms }) => ms))
      }
      countLoss(field, score)
    }
    score.note(`${early} kills in time, slowest answer ${Math.round(slowestMs)} ms`)
    score.expect(early === kills, `only ${early} of ${kills} kills came in time`)
    score.expect(slowestMs <= withinMs, `an answer took ${Math.round(slowestMs)} ms instead of ${withinMs}`)
    score.expect(field.at.reuses() === 0, `${field.at.reuses()} tokens spent twice`)
    score.expect(score.lost === 0, `${score.lost} logins lost`)
  })
}

export interface RandomKills extends Pick<FieldOptions, 'processes' | 'route'> {
  rounds: number
}

/**
 * Kills servers at any moment. Between the rotation at the issuer and the rename on the disk that costs the login,
 * whatever a process does. Every other loss is a fault, and so is it to ask again with a token that is known to be
 * lost: only who dies before writing that down may leave another request to the next.
 */
export function killAnybody({ rounds, ...options }: RandomKills): Promise<RaceResult> {
  return runRace('random kills', options, async (field, score) => {
    let [killed, avoidable, slowestMs] = [0, 0, 0]
    for (; score.rounds < rounds; score.rounds++) {
      const reuses = field.at.reuses()
      field.answerRefreshes(async (usual) => {
        await sleep(Math.random() * 20)
        return usual()
      })
      field.expire()
      const asked = field.ask()
      const victims = await killSome(field, 1 + Math.floor(Math.random() * 3))
      const survived = (await asked).filter(({ code }) => code !== 'GONE')
      killed += victims.length
      slowestMs = Math.max(slowestMs, ...survived.map(({ ms }) => ms))
      await field.replace(victims)
      // Where everybody died who could have renewed it, the last token given out may rest with a dead one.
      const unavoidable = victims.some(({ name }) => name === field.issued.at(-1)?.to)
      const lost = field.isLost()
      if (!lost) score.expectAnswers(survived, `round ${score.rounds}`)
      if (lost && !unavoidable) avoidable += 1
      const again = field.at.reuses() - reuses
      score.expect(again <= victims.length, `round ${score.rounds}: a lost token was spent ${again} times more`)
      countLoss(field, score)
    }
    score.note(`${killed} kills, ${avoidable} avoidable losses, slowest answer ${Math.round(slowestMs)} ms`)
    score.expect(avoidable === 0, `${avoidable} logins lost that need not have been`)
  })
}

function countLoss(field: Field, score: { lost: number }): void {
  if (!field.isLost()) return
  score.lost += 1
  field.signIn()
}

async function killSome(field: Field, count: number): Promise<RaceServer[]> {
  const victims = [...field.servers].sort(() => Math.random() - 0.5).slice(0, count)
  await Promise.all(
    victims.map(async (victim) => {
      await sleep(Math.random() * 120)
      victim.signal('SIGKILL')
    }),
  )
  return victims
}

/** The pid in the next claim that appears beside the credentials file, as soon as it does. */
function nextClaim(folder: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const watcher = watch(folder, (_, name) => {
      if (name === null || !/\.spend\.[0-9a-f]{20}\.[1-9]\d*$/.test(name)) return
      const pid = ownerOf(join(folder, name))
      if (pid === undefined) return
      clearTimeout(limit)
      watcher.close()
      resolve(pid)
    })
    const limit = setTimeout(() => {
      watcher.close()
      reject(new Error('nobody has claimed the token'))
    }, 30_000)
  })
}

function ownerOf(claim: string): number | undefined {
  try {
    return JSON.parse(readFileSync(claim, 'utf8')).pid
  } catch {
    // It has been removed again.
    return undefined
  }
}

function spin(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}
