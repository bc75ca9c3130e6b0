import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { type Field, openField } from '../test/support/race-field.ts'
import { SERVER_FILE } from '../test/support/race-server.ts'
import { leftovers } from './chaos-client.ts'
import { type SystemCall, systemCallsIn } from './chaos-strace.ts'
import { type Chaos, need } from './chaos-tally.ts'
import { scratch } from './scratch.ts'

const STORES = ['file', 'encrypted', 'keychain'] as const
/** The path of the lock: from where it is made until it is removed a store is under way. */
const LOCK = 'auth.json.lock"'

/**
 * A writer is killed at each system call of a store, in each store: a login is there and a key is stored in its place.
 * Afterwards the one or the other has to be there, whole, the next process has to work with it, and the next store to
 * leave nothing behind.
 */
export async function storeFaults(chaos: Chaos): Promise<void> {
  if (spawnSync('strace', ['-V'], { stdio: 'ignore' }).status !== 0) {
    return chaos.tally.note('LEFT OUT: writers killed at each system call, for want of strace')
  }
  const log = join(scratch(), 'log')
  for (const [n, store] of STORES.entries()) {
    const field = await openField({ processes: 1, store })
    try {
      await eachCall(chaos, { field, store, log, share: (n + 1) / STORES.length })
    } finally {
      await field.close()
    }
  }
}

interface Store {
  field: Field
  store: string
  log: string
  share: number
}

async function eachCall({ chance, short, hasTime, tally }: Chaos, { field, store, log, share }: Store): Promise<void> {
  const storing = await storeKey(field, ['strace', '-o', log])
  need(storing === 0, `a store that nobody disturbs ended with ${storing}`)
  const calls = systemCallsIn(readFileSync(log, 'utf8'), LOCK)
  need(calls.length > 10, `only ${calls.length} system calls of a store were seen`)
  const hit = new Set<number>()
  for (const call of short ? chance.shuffled(calls).slice(0, 4) : chance.shuffled(calls)) {
    if (!hasTime(share)) break
    await tally.inject(`${store}, killed at ${call.name} (${call.place} of ${calls.length})`, async () => {
      const place = await killedAt(field, call, log)
      if (place !== undefined) hit.add(place)
    })
  }
  tally.note(`${store}: killed at ${hit.size} of ${calls.length} system calls`)
}

/** Gives the place in the store where it was really killed: some calls before it differ from run to run. */
async function killedAt(field: Field, call: SystemCall, log: string): Promise<number | undefined> {
  field.signIn()
  const login = field.record()?.access_token
  await storeKey(field, ['strace', '-o', log, '-e', `inject=${call.name}:signal=SIGKILL:when=${call.nth}`])
  const text = readFileSync(log, 'utf8')
  const stored = field.record()
  const isKey = stored?.access_token === field.fake.apiKey && stored?.method === 'api_key'
  need(stored?.access_token === login || isKey, 'neither the old nor the new record is there')
  // As if its three seconds were over.
  const lock = join(field.folder, 'auth.json.lock')
  if (existsSync(lock)) utimesSync(lock, 1000, 1000)
  const [next] = await field.ask()
  need(next?.isError === false, `the next process: ${next?.text}`)
  const code = await storeKey(field)
  need(code === 0, `the next store ended with ${code}`)
  const left = leftovers(field.folder)
  need(left.length === 0, `left behind: ${left.join(', ')}`)
  return text.includes('+++ killed by SIGKILL') ? systemCallsIn(text, LOCK).at(-1)?.place : undefined
}

/** Stores a key with the built program, under another one if told. */
async function storeKey({ env, fake }: Field, under: readonly string[] = []): Promise<number | null> {
  const [file = '', ...args] = [...under, process.execPath, SERVER_FILE, 'login', '--with-api-key']
  const child = spawn(file, args, { env: { ...env }, stdio: ['pipe', 'ignore', 'ignore'] })
  child.stdin.on('error', () => {})
  child.stdin.end(fake.apiKey)
  const [code] = await once(child, 'exit')
  return code
}
