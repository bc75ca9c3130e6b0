import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type FakeOpenAI, startFakeOpenAI } from '../test/support/fake-openai.ts'
import { SERVER_FILE } from '../test/support/race-server.ts'
import { recordOf } from '../test/support/start-app.ts'
import { type ScriptedModel, type Step, startModel } from './claude-model.ts'
import { scratch } from './scratch.ts'

const ROOT = join(import.meta.dirname, '..')
const KEY = 'a-placeholder-that-is-no-key-0000000000'
const TOOLS = 'mcp__plugin_codex-oauth_codex'

/** The real Claude Code with this plugin, between a scripted model and the fake OpenAI. */
export interface Place {
  fake: FakeOpenAI
  model: ScriptedModel
  /** What passed between client and server, a message a line, behind `>` or `<`. */
  wire(): string
  /** Runs it without a terminal. */
  print(prompt: string): Promise<void>
  /** Runs it in a terminal that somebody sits at. */
  terminal(): Promise<Terminal>
  close(): void
}

export interface Terminal {
  screen(): string
  type(text: string): void
  press(key: string): void
  /** Waits until the screen shows this. */
  shows(wanted: RegExp, ms?: number): Promise<boolean>
  /** Ends the client, and waits until it has gone. */
  close(): Promise<void>
}

export interface PlaceOptions {
  claude: string
  steps: readonly Step[]
  signedIn?: boolean
  /** What the user has allowed beforehand; what commands allow by themselves need not be. */
  allowed?: boolean
}

const base = scratch()

export async function openPlace({ claude, steps, signedIn = true, allowed = false }: PlaceOptions): Promise<Place> {
  const root = mkdtempSync(join(base, 'place-'))
  const [home, project, bin] = ['home', 'project', 'bin'].map((name) => join(root, name)) as [string, string, string]
  const config = join(home, '.claude')
  for (const folder of [config, project, bin]) mkdirSync(folder, { recursive: true })
  const fake = await startFakeOpenAI()
  const model = await startModel(steps)
  const log = join(root, 'wire')
  writeFileSync(log, '')
  const plugin = copyPlugin(join(root, 'plugin'), log)
  prepare(config, project, allowed)
  if (signedIn) {
    writeFileSync(join(config, 'auth.json'), JSON.stringify({ codex: recordOf(fake.issueTokens()) }), { mode: 0o600 })
  }
  // Somebody who signs in at once, wherever a browser is opened.
  writeFileSync(join(bin, 'xdg-open'), '#!/bin/sh\nexec curl -sL -o /dev/null "$1"\n', { mode: 0o755 })
  const env: Record<string, string> = {
    PATH: `${bin}:${process.env.PATH}`,
    HOME: home,
    LANG: 'C.UTF-8',
    TERM: 'xterm-256color',
    CLAUDE_CONFIG_DIR: config,
    ANTHROPIC_API_KEY: KEY,
    ANTHROPIC_BASE_URL: model.url,
    // Whatever else it would reach for on the network ends here, and is noted.
    HTTPS_PROXY: model.url,
    NO_PROXY: '127.0.0.1,localhost',
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    DISABLE_AUTOUPDATER: '1',
    CLAUDE_CODE_DISABLE_OFFICIAL_MARKETPLACE_AUTOINSTALL: '1',
    ...fake.env({ CODEX_OAUTH_NO_BROWSER: '' }),
  }
  return {
    fake,
    model,
    wire: () => readFileSync(log, 'utf8'),
    print: (prompt) => run(claude, ['--plugin-dir', plugin, '-p', prompt], { env, cwd: project }),
    terminal: () => openTerminal([claude, '--plugin-dir', plugin], { env, cwd: project, root }),
    close() {
      model.close()
      void fake.close()
    },
  }
}

/** The plugin as it is, but for what it starts, which is noted. */
function copyPlugin(folder: string, log: string): string {
  for (const part of ['.claude-plugin', 'commands', 'skills']) {
    cpSync(join(ROOT, part), join(folder, part), { recursive: true })
  }
  const entry = JSON.parse(readFileSync(join(ROOT, '.mcp.json'), 'utf8'))
  const args = [join(import.meta.dirname, 'claude-tee.mjs'), log, SERVER_FILE]
  Object.assign(entry.mcpServers.codex, { command: process.execPath, args })
  writeFileSync(join(folder, '.mcp.json'), JSON.stringify(entry))
  return folder
}

/** The questions of a first start, answered. */
function prepare(config: string, project: string, allowed: boolean): void {
  const state = {
    numStartups: 5,
    theme: 'dark',
    hasCompletedOnboarding: true,
    lastOnboardingVersion: '99.0.0',
    customApiKeyResponses: { approved: [KEY.slice(-20)], rejected: [] },
    projects: { [realpathSync(project)]: { hasTrustDialogAccepted: true, hasCompletedProjectOnboarding: true } },
  }
  writeFileSync(join(config, '.claude.json'), JSON.stringify(state))
  writeFileSync(join(config, 'settings.json'), JSON.stringify({ permissions: { allow: allowed ? [TOOLS] : [] } }))
}

function run(program: string, args: readonly string[], where: { env: NodeJS.ProcessEnv; cwd: string }): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { ...where, stdio: ['ignore', 'pipe', 'pipe'] })
    let said = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        said += chunk
      })
    }
    const limit = setTimeout(() => child.kill('SIGKILL'), 90_000)
    child.once('close', (code) => {
      clearTimeout(limit)
      if (code === 0) resolve()
      else reject(new Error(`claude ended with ${code}: ${said.slice(-1_000)}`))
    })
  })
}

export const hasTerminal = spawnSync('tmux', ['-V']).status === 0

async function openTerminal(
  command: readonly string[],
  { env, cwd, root }: { env: Readonly<Record<string, string>>; cwd: string; root: string },
): Promise<Terminal> {
  // Of its own, so that no other terminal of this machine is touched.
  const socket = join(root, 'tmux')
  const tmux = (...args: string[]) =>
    execFileSync('tmux', ['-S', socket, '-f', '/dev/null', ...args], { encoding: 'utf8' })
  const set = Object.entries(env).map(([name, value]) => `${name}=${value}`)
  tmux('new-session', '-d', '-x', '120', '-y', '45', '-c', cwd, 'env', '-i', ...set, ...command)
  const pid = Number(tmux('display-message', '-p', '#{pane_pid}'))
  const screen = () =>
    existsSync(socket) ? spawnSync('tmux', ['-S', socket, 'capture-pane', '-p'], { encoding: 'utf8' }).stdout : ''
  return {
    screen,
    type: (text) => void tmux('send-keys', '-l', text),
    press: (key) => void tmux('send-keys', key),
    async shows(wanted, ms = 30_000) {
      for (const end = Date.now() + ms; Date.now() < end; await sleep(100)) if (wanted.test(screen())) return true
      return false
    },
    async close() {
      spawnSync('tmux', ['-S', socket, 'kill-server'])
      for (let waited = 0; isAlive(pid) && waited < 10_000; waited += 100) await sleep(100)
    },
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
