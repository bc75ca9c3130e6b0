import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fingerprintOf } from '../src/infrastructure/fingerprint.ts'
import { type ProcessIdentity, thisProcess } from '../src/infrastructure/process-identity.ts'
import type { RouteName } from '../src/services/login/login-route.ts'
import { type Field, openField } from '../test/support/race-field.ts'
import type { ToolAnswer } from '../test/support/race-server.ts'
import { leftovers } from './chaos-client.ts'
import { type Chance, type Chaos, need } from './chaos-tally.ts'

const PROCESSES = 3
const WITHIN_MS = 15_000

interface Fault {
  /** What lies there when the servers find the token expired; what it returns is cleared away a while later. */
  before?: (field: Field, chance: Chance) => undefined | (() => void)
  /** What another program does to the file while the renewal is under way. */
  meanwhile?: (file: string, chance: Chance) => void
  /** Whether the login has to live on. */
  keeps: boolean
  /** Whether everybody has to be answered; otherwise an error with a code does as well. */
  answers: boolean
}

/** Leftovers of other processes beside the credentials file, and other programs that write into it. */
export async function fileFaults({ chance, short, hasTime, tally }: Chaos): Promise<void> {
  let slowestMs = 0
  for (const route of ['codex', 'plan'] as const) {
    const field = await openField({ processes: PROCESSES, route })
    try {
      for (let round = 0; round < (short ? 1 : 3); round++) {
        for (const name of chance.shuffled(Object.keys(FAULTS))) {
          if (!hasTime(route === 'codex' ? 0.5 : 1)) break
          await tally.inject(`${route}, ${name}`, async () => {
            slowestMs = Math.max(slowestMs, await oneFault(field, FAULTS[name] as Fault, chance, route))
          })
        }
      }
    } finally {
      await field.close()
    }
  }
  tally.note(`slowest answer ${(slowestMs / 1000).toFixed(1)} s`)
}

async function oneFault(field: Field, fault: Fault, chance: Chance, route: RouteName): Promise<number> {
  const file = fileOf(field)
  rmSync(file, { recursive: true, force: true })
  field.signIn()
  const mark = `mark-${chance.between(0, 1_000_000)}`
  edit(file, (root) => ({ ...root, foreign: { mark } }))
  field.expire()
  const clear = fault.before?.(field, chance)
  let edits = 0
  field.answerRefreshes((usual) => {
    edits += 1
    if (edits === 1) fault.meanwhile?.(file, chance)
    return usual()
  })
  const asked = field.ask()
  if (clear !== undefined) setTimeout(clear, chance.between(500, 2500))
  const answers = await asked
  field.answerRefreshes()
  const said = answers.map(wordsOf).filter((words) => words !== 'answered')
  need(!said.some((words) => /^(GONE|SILENT|UNKNOWN)/.test(words)), said.join(', '))
  need(!fault.answers || said.length === 0, said.join(', '))
  const slowestMs = Math.max(...answers.map(({ ms }) => ms))
  need(slowestMs <= WITHIN_MS, `an answer took ${Math.round(slowestMs)} ms`)
  if (fault.keeps) {
    need(!field.isLost(), 'the login is lost')
    need(JSON.parse(readFileSync(file, 'utf8').replace('\ufeff', '')).foreign?.mark === mark, 'a foreign key is gone')
  }
  need(field.refreshes() > 0 && field.at.reuses() === 0, `${field.at.reuses()} tokens spent twice`)
  rmSync(file, { recursive: true, force: true })
  field.signIn()
  const next = (await field.ask()).map(wordsOf).filter((words) => words !== 'answered')
  need(next.length === 0, `the next question (${route}): ${next.join(', ')}`)
  const left = leftovers(field.folder)
  need(left.length === 0, `left behind: ${left.join(', ')}`)
  return slowestMs
}

/** Beside the credentials, as another program may have left it: a lock that nobody or somebody holds. */
function lock({ ageMs, beats = false }: { ageMs: number; beats?: boolean }): NonNullable<Fault['before']> {
  return (field) => {
    const folder = `${fileOf(field)}.lock`
    mkdirSync(folder, { recursive: true })
    const touch = () => {
      const seconds = (Date.now() - ageMs) / 1000
      utimesSync(folder, seconds, seconds)
    }
    touch()
    if (!beats) return undefined
    const beat = setInterval(touch, 500)
    return () => {
      clearInterval(beat)
      rmSync(folder, { recursive: true, force: true })
    }
  }
}

/** A claim on the current token, as its owner has left it. */
function claim(owner: () => ProcessIdentity, { frees = false } = {}): NonNullable<Fault['before']> {
  return (field) => {
    const { pid, startTime: start, place } = owner()
    const file = `${fileOf(field)}.spend.${fingerprintOf(String(field.record()?.refresh_token))}.1`
    writeFileSync(file, JSON.stringify({ pid, start, place, fails: 0 }), { mode: 0o600 })
    // As whoever tried in vain would: nobody waits for it any more.
    return frees ? () => writeFileSync(file, JSON.stringify({ pid, start, place, done: true, fails: 0 })) : undefined
  }
}

/** A process that ran a moment ago. */
const deadOwner = (): ProcessIdentity => ({
  ...thisProcess(),
  pid: spawnSync(process.execPath, ['--version']).pid,
})

const safe = { keeps: true, answers: true }
const lossy = { keeps: false, answers: false }

const FAULTS: Readonly<Record<string, Fault>> = {
  'a lock of a dead process': { before: lock({ ageMs: 60_000 }), ...safe },
  'a lock just left by a dead process': { before: lock({ ageMs: 0 }), ...safe },
  'a lock from the future': { before: lock({ ageMs: -3000 }), ...safe },
  'a lock of a living process': { before: lock({ ageMs: 0, beats: true }), ...safe },
  'a claim of a dead process': { before: claim(deadOwner), ...safe },
  'a claim of a recycled process id': {
    before: claim(() => ({ ...thisProcess(), startTime: '1' })),
    ...safe,
  },
  'a claim of a living process': { before: claim(thisProcess, { frees: true }), ...safe },
  'another program adds a key': {
    meanwhile: (file, chance) => edit(file, (root) => ({ ...root, other: chance.between(0, 1000) })),
    ...safe,
  },
  'another program formats the file': {
    meanwhile: (file) => replace(file, JSON.stringify(JSON.parse(readFileSync(file, 'utf8')))),
    ...safe,
  },
  'another program adds a megabyte less one byte': {
    meanwhile: (file) => edit(file, (root) => ({ ...root, other: 'x'.repeat(900_000) })),
    ...safe,
  },
  'another program writes in place': {
    meanwhile: (file) => writeFileSync(file, `${readFileSync(file, 'utf8')}\n`),
    ...safe,
  },
  'another program opens it to all': { meanwhile: (file) => chmodSync(file, 0o666), ...safe },
  'another program makes it read-only': { meanwhile: (file) => chmodSync(file, 0o400), ...safe },
  'another program removes it': { meanwhile: (file) => rmSync(file), ...lossy },
  'another program cuts it': {
    meanwhile: (file, chance) => {
      const text = readFileSync(file, 'utf8')
      writeFileSync(file, text.slice(0, chance.between(0, text.length - 1)))
    },
    ...lossy,
  },
  'another program fills it with NULs': { meanwhile: (file) => writeFileSync(file, '\0'.repeat(2000)), ...lossy },
  'another program writes a list': { meanwhile: (file) => replace(file, '[]'), ...lossy },
  'another program makes it a folder': {
    meanwhile: (file) => {
      rmSync(file)
      mkdirSync(file)
    },
    ...lossy,
  },
}

function fileOf({ folder }: Field): string {
  return join(folder, 'auth.json')
}

function edit(file: string, change: (root: Record<string, unknown>) => Record<string, unknown>): void {
  replace(file, JSON.stringify(change(JSON.parse(readFileSync(file, 'utf8'))), null, 2))
}

function replace(file: string, text: string): void {
  writeFileSync(`${file}.other`, text, { mode: 0o600 })
  renameSync(`${file}.other`, file)
}

function wordsOf({ isError, code, text }: ToolAnswer): string {
  return isError ? `${code} ${text.slice(0, 200)}` : 'answered'
}
