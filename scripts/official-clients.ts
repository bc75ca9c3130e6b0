import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { createAuthority } from '../test/support/certificates.ts'
import { type FakeOpenAI, startFakeOpenAI } from '../test/support/fake-openai.ts'
import { SERVER_FILE } from '../test/support/race-server.ts'
import { fetched, newestVersions } from './fetched.ts'
import { HOSTS, type Passed, startDoor } from './official-door.ts'
import { scratch } from './scratch.ts'

/** What a client did at the fake, in its own words to its own addresses. */
export interface Client {
  version: string
  passed: readonly Passed[]
  /** Hosts it asked for that are not played. */
  refused: readonly string[]
  /** What it showed as the answer. */
  said: string
  /** Grant types, in order. */
  grants: readonly string[]
}

const MODEL = 'gpt-6.1-sol'
const PROMPT = 'Hi there'
const CODEX = '@openai/codex'
/** So long ago that an access token of an hour is about to run out. */
const LONG_AGO_MS = 3_400_000
const NO_CONSTRAINT = { workspace_backend_origin: 'NO_CONSTRAINT', account_routing_override: 'NO_CONSTRAINT' }

/** The newest Codex CLI of the registry signs in by device, refreshes and asks. */
export async function runOfficial(): Promise<Client> {
  const [version = ''] = newestVersions(CODEX, 1)
  const program = join(fetched(`${CODEX}@${version}`), '.bin', 'codex')
  return play(version, async ({ run, home }, expire) => {
    await run(program, ['login', '--device-auth'])
    expire()
    const said = await run(program, ['exec', '--skip-git-repo-check', '-m', MODEL, PROMPT])
    // It asks all the same where it cannot read the list, and says so in its log only.
    const hasList = existsSync(join(home, 'codex', 'models_cache.json'))
    if (!hasList) throw new Error(`Codex CLI ${version} could not read the fake's list of models`)
    return said
  })
}

/** Ours does the same, by its command line. */
export async function runOurs(): Promise<Client> {
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8'))
  return play(version, async ({ run, home }, expire) => {
    await run(process.execPath, [SERVER_FILE, 'login', '--codex', '--device'])
    expire()
    const file = join(home, '.claude', 'auth.json')
    const stored = JSON.parse(readFileSync(file, 'utf8'))
    stored.codex.expires_at = Math.floor(Date.now() / 1000) + 200
    writeFileSync(file, JSON.stringify(stored))
    return run(process.execPath, [SERVER_FILE, 'ask', '--model', MODEL, PROMPT])
  })
}

interface Stage {
  home: string
  run(program: string, args: readonly string[]): Promise<string>
}

async function play(version: string, act: (stage: Stage, expire: () => void) => Promise<string>): Promise<Client> {
  let behindMs = LONG_AGO_MS
  const fake = await startFakeOpenAI({ now: () => Date.now() - behindMs, deviceInterval: '1' })
  const home = scratch()
  const authority = createAuthority()
  const certificates = join(home, 'ca.pem')
  writeFileSync(certificates, authority.certificate)
  const door = await startDoor({
    fake: fake.issuer,
    identity: authority.issue(HOSTS),
    others: { 'GET /backend-api/wham/accounts/check': { accounts: [{ id: 'acct-fake-0001', ...NO_CONSTRAINT }] } },
    unzstd: zstd(),
  })
  const codexHome = join(home, 'codex')
  mkdirSync(codexHome)
  const env = {
    PATH: process.env.PATH ?? '',
    HOME: home,
    CODEX_HOME: codexHome,
    CODEX_CA_CERTIFICATE: certificates,
    HTTPS_PROXY: door.proxy,
  }
  void approve(fake)
  try {
    const run = (program: string, args: readonly string[]) => outputOf(program, args, { env, cwd: home })
    const said = await act({ home, run }, () => {
      behindMs = 0
    })
    return { version, passed: door.passed, refused: [...door.refused], said, grants: fake.seen.grants }
  } finally {
    door.close()
    await fake.close()
  }
}

/** Somebody enters the code as soon as it is asked for. */
async function approve(fake: FakeOpenAI): Promise<void> {
  await fake.arrival('/api/accounts/deviceauth/token')
  fake.approveDevice()
}

/** Bodies of the official client are zstd, which Node knows from 22.15 on. */
function zstd(): (bytes: Uint8Array) => Uint8Array {
  return createRequire(import.meta.url)(join(fetched('fzstd@0.1.1'), 'fzstd')).decompress
}

/** What it wrote to standard output. Rejects, with what it wrote to the other one, when it fails or takes a minute. */
function outputOf(program: string, args: readonly string[], where: { env: NodeJS.ProcessEnv; cwd: string }) {
  return new Promise<string>((resolve, reject) => {
    const child = spawn(program, args, { ...where, stdio: ['ignore', 'pipe', 'pipe'] })
    let out = ''
    let err = ''
    child.stdout.on('data', (chunk) => {
      out += chunk
    })
    child.stderr.on('data', (chunk) => {
      err += chunk
    })
    const limit = setTimeout(() => child.kill('SIGKILL'), 60_000)
    child.once('close', (code) => {
      clearTimeout(limit)
      if (code === 0) resolve(out)
      else reject(new Error(`${program} ${args[0]} ended with ${code}: ${err.slice(-2_000)}`))
    })
  })
}
