import { readFileSync, realpathSync } from 'node:fs'
import { homedir, userInfo } from 'node:os'
import { runProgram } from './run-program.ts'

/** Where the parts come from: the system, or a test. */
export interface MachineEdges {
  platform: NodeJS.Platform
  /** The text of a file; undefined when there is none. */
  readFile: (path: string) => string | undefined
  /** What a program of the system prints; empty when it fails. */
  run: (file: string, args: readonly string[]) => Promise<string>
  user: () => MachineUser
  /** Where Windows lies. A bare name would be looked for in the folder the server was started in. */
  systemRoot: string
}

export interface MachineUser {
  /** -1 where there are no numbers. */
  uid: number
  name: string
  /** With every link followed. */
  home: string
}

/**
 * What is the same for this user on this machine at every start, and differs elsewhere; undefined when the machine
 * has no id. The host's name is not part of it, because it changes with networks.
 *
 * It is no secret to programs on this machine: they can put it together as well. What is encrypted with it is safe
 * only in copies that leave the machine without it, such as backups and synchronised folders.
 */
export async function machineSecret(edges: MachineEdges = systemEdges): Promise<string | undefined> {
  const id = await machineId(edges)
  if (id === undefined) return undefined
  const { uid, name, home } = edges.user()
  return JSON.stringify([id, uid, name, home])
}

async function machineId({ platform, readFile, run, systemRoot }: MachineEdges): Promise<string | undefined> {
  if (platform === 'darwin') {
    const listing = await run('/usr/sbin/ioreg', ['-rd1', '-c', 'IOPlatformExpertDevice'])
    return uuid(/"IOPlatformUUID"\s*=\s*"([^"]+)"/.exec(listing)?.[1])
  }
  if (platform === 'win32') {
    const key = 'HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Cryptography'
    // The 64-bit view: a 32-bit Node would be shown another place.
    const listing = await run(`${systemRoot}\\System32\\reg.exe`, ['query', key, '/v', 'MachineGuid', '/reg:64'])
    return uuid(/MachineGuid\s+REG_SZ\s+(\S+)/.exec(listing)?.[1])
  }
  const ids = ['/etc/machine-id', '/var/lib/dbus/machine-id'].map((path) => readFile(path)?.trim().toLowerCase())
  // An image for containers has an empty one, or the word `uninitialized`.
  return ids.find((id) => id !== undefined && /^[0-9a-f]{32}$/.test(id))
}

function uuid(text: string | undefined): string | undefined {
  return text !== undefined && /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)
    ? text.toLowerCase()
    : undefined
}

const LIMIT_MS = 3_000

const systemEdges: MachineEdges = {
  platform: process.platform,
  readFile(path) {
    try {
      return readFileSync(path, 'utf8')
    } catch {
      return undefined
    }
  },
  run: async (file, args) => (await runProgram(file, args, { limitMs: LIMIT_MS })).output,
  user: systemUser,
  systemRoot: process.env.SystemRoot ?? 'C:\\Windows',
}

/** From the list of users, not from variables, which differ between a terminal and a window. */
function systemUser(): MachineUser {
  try {
    const { uid, username, homedir: home } = userInfo()
    return { uid, name: username, home: canonical(home) }
  } catch {
    // A container may run under a number that stands in no list.
    return { uid: process.getuid?.() ?? -1, name: '', home: canonical(homedir()) }
  }
}

function canonical(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}
