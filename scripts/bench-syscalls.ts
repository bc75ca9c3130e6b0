import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { createInterface } from 'node:readline'
import { type Measured, spreadOf } from './bench-figures.ts'
import { openPlace } from './bench-place.ts'
import { scratch } from './scratch.ts'

const QUESTIONS = 5

/** The system calls on the credentials file and its neighbours (locks, claims) during a question; or why not. */
export async function countCalls(): Promise<Measured[] | string> {
  if (spawnSync('strace', ['-V']).status !== 0) return 'strace is not installed'
  const place = await openPlace()
  try {
    const server = await place.startServer()
    for (let n = 0; n < 3; n += 1) await server.ask({ prompt: 'Why?' })
    const counted: Calls[] = []
    for (let n = 0; n < QUESTIONS; n += 1) {
      const output = join(scratch(), 'calls')
      const strace = spawn(
        'strace',
        ['-f', '-y', '-o', output, '-e', 'trace=%file,%desc', '-p', `${server.child.pid}`],
        {
          stdio: ['ignore', 'ignore', 'pipe'],
        },
      )
      const gone = once(strace, 'exit')
      // It says that it is there, or why it is not.
      const [said] = await once(createInterface({ input: strace.stderr }), 'line')
      if (!`${said}`.includes('attached')) return `strace may not look: ${`${said}`.replace(/^strace: /, '')}`
      await server.ask({ prompt: 'Why?' })
      strace.kill('SIGINT')
      await gone
      counted.push(callsIn(readFileSync(output, 'utf8'), basename(place.file)))
    }
    const of = (kind: keyof Calls) => spreadOf(counted.map((calls) => calls[kind]))
    return [
      { name: 'stat and fstat of the credentials file, per question', unit: 'calls', target: 1, ...of('stat') },
      { name: 'reads of it, per question', unit: 'calls', target: 1, ...of('read') },
      { name: 'locks and other changes beside it, per question', unit: 'calls', target: 0, ...of('lock') },
    ]
  } finally {
    await place.close()
  }
}

type Calls = Record<'stat' | 'read' | 'lock', number>

/** A call that another thread interrupts stands there twice; the second time without the file's name. */
function callsIn(trace: string, name: string): Calls {
  const calls: Calls = { stat: 0, read: 0, lock: 0 }
  for (const line of trace.split('\n')) {
    const [, call = ''] = /^\d+ +(\w+)\(/.exec(line) ?? []
    if (!line.includes(`/${name}`)) continue
    if (/stat/.test(call)) calls.stat += 1
    else if (/^p?read/.test(call)) calls.read += 1
    else if (/^(mkdir|rmdir|rename|unlink|link|utime|flock)/.test(call) || line.includes('O_CREAT')) calls.lock += 1
  }
  return calls
}
