import { basename, dirname, join } from 'node:path'
import { CodexError } from '../errors.ts'
import { KEYCHAIN_PACKAGE, KEYCHAIN_SCRIPT } from './keychain-script.ts'
import { runProgram } from './run-program.ts'

/** Small secrets in the operating system's store: Keychain, Credential Manager, Secret Service. */
export interface Keychain {
  /** Undefined when there is none of this name. @throws CodexError STORAGE_FAILED */
  get(account: string): Promise<string | undefined>
  /** Puts it there and reads it back. @throws CodexError STORAGE_FAILED */
  put(account: string, secret: string): Promise<void>
  /** Removes it, if it is there. @throws CodexError STORAGE_FAILED */
  remove(account: string): Promise<void>
}

export interface KeychainDeps {
  /** Under which name they are shown to people. */
  service: string
  /** Where people are told to install the package, and where it is looked for first. */
  folder: string
  limitMs?: number
}

const LIMIT_MS = 3_000

export function createKeychain({ service, folder, limitMs = LIMIT_MS }: KeychainDeps): Keychain {
  async function ask(deed: string, account: string, secret?: string): Promise<Answer> {
    const request = { deed, service, account, secret, folders: [folder, ...usualFolders()], limitMs }
    const { output, ended } = await runProgram(process.execPath, ['-e', KEYCHAIN_SCRIPT], {
      input: JSON.stringify(request),
      limitMs,
      // Options for this process, as a debugger sets them, are not meant for that one; nor are other places for what
      // the package loads.
      env: { NODE_OPTIONS: '', NODE_PATH: '' },
    })
    const answer = readAnswer(output)
    if (answer.problem === undefined && !answer.understood) throw failed(ended === 'late' ? 'late' : 'broken', folder)
    if (answer.problem !== undefined) throw failed(answer.problem, folder)
    return answer
  }

  return {
    async get(account) {
      return (await ask('get', account)).secret
    },
    async put(account, secret) {
      if ((await ask('put', account, secret)).secret !== secret) throw failed('refused', folder)
    },
    async remove(account) {
      await ask('remove', account)
    },
  }
}

interface Answer {
  secret: string | undefined
  problem: Problem | undefined
  understood: boolean
}

/** What came, as far as it is an answer: a process that was killed has sent none, or half of one. */
function readAnswer(output: string): Answer {
  let value: unknown
  try {
    value = JSON.parse(output)
  } catch {
    return { secret: undefined, problem: undefined, understood: false }
  }
  const fields = new Map(Object.entries(Object(value)))
  const secret = fields.get('secret')
  return {
    secret: typeof secret === 'string' ? secret : undefined,
    problem: PROBLEMS.find((name) => name === fields.get('problem')),
    understood: true,
  }
}

/** Where a package may be that was not installed into `folder`: with this program, and among the global ones. */
function usualFolders(): string[] {
  const own = dirname(import.meta.dirname)
  const among = dirname(own)
  // As a package, this program lies among those it was installed with.
  const beside = basename(among) === 'node_modules' ? [dirname(among)] : []
  const programs = dirname(process.execPath)
  return [own, ...beside, join(programs, '..', 'lib'), programs]
}

type Problem = 'missing' | 'old' | 'broken' | 'absent' | 'refused' | 'late'

const PROBLEMS: readonly Problem[] = ['missing', 'old', 'broken', 'absent', 'refused', 'late']

function failed(problem: Problem, folder: string): CodexError {
  const install = `Install it: npm install --prefix ${quoted(folder)} ${KEYCHAIN_PACKAGE}@2`
  const words: Record<Problem, [message: string, hint: string]> = {
    missing: [`The keychain needs the package ${KEYCHAIN_PACKAGE}, which is not installed.`, install],
    old: [`The keychain needs version 2.1 or later of the package ${KEYCHAIN_PACKAGE}.`, install],
    broken: [`The package ${KEYCHAIN_PACKAGE} does not work on this machine.`, install],
    absent: ['There is no keychain on this machine, or none that answers.', OTHER_STORE],
    refused: [
      'The keychain refused: it is locked, or access was denied.',
      'Unlock it and allow the access, then try again.',
    ],
    late: [
      'The keychain did not answer in time.',
      'Unlock it, answer its dialog or allow the access for good, then try again.',
    ],
  }
  const [message, hint] = words[problem]
  return new CodexError('STORAGE_FAILED', message, { hint })
}

const OTHER_STORE = 'Use another store, or start a keychain such as gnome-keyring or KWallet in this session.'

/** For a shell; the folder may lie under a name with a blank. */
function quoted(path: string): string {
  return /^[\w./\\:-]+$/.test(path) ? path : `"${path}"`
}
