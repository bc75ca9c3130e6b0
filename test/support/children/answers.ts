/**
 * Plays a window that keeps answers in a folder: `answers <how> <folder> …`. What each way does stands at its name.
 */
import { randomBytes } from 'node:crypto'
import { statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { systemClock } from '../../../src/infrastructure/clock.ts'
import { createAnswerStore } from '../../../src/services/answers/answer-store.ts'
import { finish, ready, report } from './parent.ts'

const [how = '', folder = '', ...rest] = process.argv.slice(2)
const windowOf = (path: string) => createAnswerStore({ folder: path, isOn: true, clock: systemClock, randomBytes })
const store = windowOf(folder)

const WAYS: Record<string, () => unknown> = {
  /** Three answers in numbered words without end. Told is what has been written: a turn of the event loop is over. */
  async endless() {
    const answers = [1, 2, 3].map(() => store.begin({ prompt: 'Count', model: 'gpt-x' }))
    report(answers.map(({ id }) => id))
    await ready()
    for (let n = 1; ; n++) {
      for (const answer of answers) answer.append(`${n} `)
      await setImmediate()
      report(n)
    }
  },

  /** Many short answers, one after the other, each of a window that ends with it, as a command does, and makes room. */
  async many() {
    await ready()
    for (let n = 0; n < Number(rest[0]); n++) {
      const window = windowOf(folder)
      window.begin({ prompt: `Question ${n}` }).finish(`Answer ${n}`, {})
      window.stop()
    }
    finish('done')
  },

  /** One long answer, which may not fit on the disk. */
  async long() {
    const answer = store.begin({ prompt: 'A long one' })
    const { id } = answer
    const keptAtFirst = answer.isKept
    const text = 'word '.repeat(20_000)
    for (const word of text.match(/.{1,50}/g) ?? []) {
      answer.append(word)
      await setImmediate()
    }
    const whileRunning = store.read(id)?.text === text
    answer.finish(text, { footer: 'f' })
    const read = store.read(id)
    const listed = store.list().map((one) => [one.id, one.isKept])
    finish({ id, keptAtFirst, whileRunning, ...read, text: undefined, isWhole: read?.text === text, listed })
  },

  /** The modes of file and folders under several umasks, each in a folder it has to make. */
  modes() {
    const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8)
    const seen = rest.map((umask) => {
      process.umask(Number.parseInt(umask, 8))
      const made = join(folder, umask, 'codex-oauth', 'answers')
      const answer = windowOf(made).begin({ prompt: 'x' })
      const file = join(made, `${answer.id}.jsonl`)
      return [modeOf(file), modeOf(made), modeOf(dirname(made)), answer.isKept]
    })
    finish(seen)
  },

  /** Much more text than is kept, in pieces of a length; how much memory that takes at most, in megabytes. */
  async flood() {
    const [characters, length] = [Number(rest[0]), Number(rest[1])]
    const answer = store.begin({ prompt: 'Everything' })
    const atFirst = process.memoryUsage().rss
    let most = atFirst
    for (let sent = 0, n = 0; sent < characters; sent += length, n++) {
      // Made anew each time, as what comes from the network is.
      answer.append(String(n % 10).repeat(length))
      if (n % 1000 !== 0) continue
      await setImmediate()
      most = Math.max(most, process.memoryUsage().rss)
    }
    const { characters: kept, isCut } = store.read(answer.id) ?? {}
    store.stop()
    const after = store.read(answer.id)
    const { size } = statSync(join(folder, `${answer.id}.jsonl`))
    const same = { state: after?.state, isCut: after?.isCut, characters: after?.characters }
    finish({ megabytes: (most - atFirst) / 2 ** 20, kept, isCut, size, after: same })
  },

  /** One that runs, is written to when told, and is marked on the way out. */
  async runs() {
    const answer = store.begin({ prompt: 'Runs', model: 'gpt-x' })
    report(answer.id)
    for (let word = await ready(); word !== 'stop'; word = await ready()) answer.append(String(word))
    store.stop()
    // At once, without another turn of the event loop.
    process.exit(0)
  },
}

await WAYS[how]?.()
