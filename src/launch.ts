// What runs first. The program is text in a comment of the same file, which V8 passes over; it is compiled from here,
// together with what V8 has made of it in an earlier start. Without that, reading it takes longer than running it.
// Node's own way, `module.enableCompileCache`, is there from Node 22.8 on: once 20 is left behind, it can take the place
// of this, if the program may be a second file.
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { Script } from 'node:vm'
import { codeCacheFile, keepCode, readCode } from './infrastructure/code-cache.ts'

/** Written by the build: `() => {/*`, a line break, the program, and the end of the comment and of the function. */
declare const PROGRAM: () => void
/** Written by the build: what to put in the place of what, so that the program does not end its comment. */
declare const PROGRAM_ESCAPE: readonly [written: string, meant: string]
/** Written by the build: version and fingerprint of the program. */
declare const PROGRAM_ID: string
/** Written by the build: on which line of this file the program begins, so that a stack trace tells the truth. */
declare const PROGRAM_LINE: number

const OPENING = '{/*\n'
const CLOSING = '*/}'
const found = PROGRAM.toString()
// Hooks that change what Node loads (`NODE_OPTIONS`) may drop comments; in the file it is always there.
const around = found.includes(OPENING) ? found : readFileSync(__filename, 'latin1')
const text = around
  .slice(around.indexOf(OPENING) + OPENING.length, around.lastIndexOf(CLOSING))
  .replaceAll(...PROGRAM_ESCAPE)

const { env, platform } = process
const file = codeCacheFile({ env, platform, home: homedir, program: PROGRAM_ID, node: process })
const uid = process.getuid?.()
const cachedData = file === undefined ? undefined : readCode(file, uid)
const script = new Script(text, { filename: __filename, lineOffset: PROGRAM_LINE, cachedData })

let isKept = cachedData !== undefined && script.cachedDataRejected !== true

/** For the program to say that it is up: what was compiled until now is what the next start needs. */
function startIsOver(): void {
  if (isKept || file === undefined) return
  isKept = true
  keepCode(file, () => script.createCachedData(), uid)
}

script.runInThisContext()(require, module, __dirname, startIsOver)
