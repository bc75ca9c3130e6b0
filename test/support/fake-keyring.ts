import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** How the package behaves: as it should, or in one of the ways that were seen of the real one. */
export type KeyringMood =
  | 'well'
  /** No service answers: the real one throws in its constructor. */
  | 'absent'
  /** Locked, or the dialog was dismissed. */
  | 'refuses'
  /** A dialog is open, a bus is silent. */
  | 'hangs'
  /** As `hangs`, but already in the constructor, which holds the whole thread. */
  | 'blocks'
  /** It was built for another system. */
  | 'broken'
  /** It forgets what it is told. */
  | 'forgets'
  /** It talks on stdout. */
  | 'talks'

/** A stand-in for the package `@napi-rs/keyring` in a folder: it keeps its secrets in files, for all processes. */
export interface FakeKeyring {
  /** To be searched for the package. */
  folder: string
  /** What it holds: service and account to secret. */
  entries(): Record<string, string>
  /** Every request that reached it, from any process. */
  asked(): string[]
  /** Ids of the processes that stood still in `blocks`. */
  blocked(): number[]
  be(mood: KeyringMood): void
}

export function installFakeKeyring(folder: string, { version = '2.1.2' } = {}): FakeKeyring {
  const home = join(folder, 'node_modules', '@napi-rs', 'keyring')
  const [store, mood, log] = [join(folder, 'keyring'), join(folder, 'mood'), join(folder, 'asked')]
  const blocked = join(folder, 'blocked')
  for (const made of [home, store]) mkdirSync(made, { recursive: true })
  writeFileSync(join(home, 'package.json'), JSON.stringify({ name: '@napi-rs/keyring', version, main: 'index.js' }))
  writeFileSync(join(home, 'index.js'), `const PLACES = ${JSON.stringify({ store, mood, log, blocked })}\n${SOURCE}`)
  const be = (next: KeyringMood) => writeFileSync(mood, next)
  be('well')
  return {
    folder,
    be,
    entries: () =>
      Object.fromEntries(readdirSync(store).map((name) => [name, readFileSync(join(store, name), 'utf8')])),
    asked: () => linesOf(log),
    blocked: () => linesOf(blocked).map(Number),
  }
}

function linesOf(file: string): string[] {
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : []
}

const SOURCE = `
const fs = require('node:fs')
const path = require('node:path')
const mood = fs.readFileSync(PLACES.mood, 'utf8')
if (mood === 'broken') throw new Error('Cannot find native binding.')
exports.AsyncEntry = class {
  constructor(service, account, options) {
    if (options?.linux?.store !== 'secret-service') throw new Error('It would fall back to what forgets.')
    if (mood === 'absent') throw new Error('Platform failure: DBus error')
    if (mood === 'blocks') {
      fs.appendFileSync(PLACES.blocked, process.pid + '\\n')
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
    }
    if (mood === 'talks') console.log('{"secret":"FAKE chatter"}')
    this.file = path.join(PLACES.store, service + ' ' + account)
  }
  async ask(deed) {
    fs.appendFileSync(PLACES.log, deed + '\\n')
    if (mood === 'hangs') await new Promise(() => setInterval(() => {}, 1000))
    if (mood === 'refuses') throw new Error("Couldn't access platform storage: unlock prompt was dismissed")
  }
  async setPassword(secret) {
    await this.ask('set')
    if (mood !== 'forgets') fs.writeFileSync(this.file, secret)
  }
  async getPassword() {
    await this.ask('get')
    return fs.existsSync(this.file) ? fs.readFileSync(this.file, 'utf8') : null
  }
  async deletePassword() {
    await this.ask('delete')
    const there = fs.existsSync(this.file)
    if (there) fs.rmSync(this.file)
    return there
  }
}
`
