import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js'
import {
  type CallToolResult,
  type ElicitRequest,
  ElicitRequestSchema,
  ListRootsRequestSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { onTestFinished } from 'vitest'
import { type App, createApp, type Edges } from '../../src/app.ts'
import { loadConfig } from '../../src/config.ts'
import { systemClock } from '../../src/infrastructure/clock.ts'
import { createLog } from '../../src/infrastructure/log.ts'
import type { FakeOpenAI } from './fake-openai.ts'
import { freePorts } from './free-ports.ts'
import { tempFolder } from './temp-folder.ts'

/** The whole program in this process, under a real MCP client, against the fake. */
export interface StartedApp {
  app: App
  client: Client
  home: string
  credentialsFile: string
  /** The credentials file as JSON; undefined while there is none. */
  stored(): Record<string, Record<string, unknown>> | undefined
  /** Puts a login into the credentials file, as an earlier sign-in would have left it. */
  seed(record: Record<string, unknown>): void
  /** Calls a tool; `text` is all text of the result, `data` the structure. */
  call(name: string, args?: Record<string, unknown>, options?: CallOptions): Promise<CallOutcome>
  /** What was opened in the browser. */
  opened: string[]
  /** Lines written to the log, which is on. */
  logged: string[]
}

export interface CallOptions {
  signal?: AbortSignal
  /** How long the client waits, in milliseconds. */
  timeout?: number
  onProgress?: (message: string) => void
}

export interface CallOutcome {
  text: string
  texts: string[]
  isError: boolean
  // biome-ignore lint/suspicious/noExplicitAny: tests read what they expect to be there
  data: any
}

export interface StartOptions {
  env?: Record<string, string>
  /** For a second window over the same credentials. */
  home?: string
  /** What the client calls itself. */
  clientName?: string
  edges?: Partial<Edges>
  /** The client has dialogs for addresses, and a user who answers them. */
  dialog?: (request: DialogRequest, signal: AbortSignal) => Promise<'accept' | 'decline' | 'cancel'>
  /** The client has these folders open, as URIs; without it, it says nothing of folders. */
  roots?: readonly string[]
}

export type DialogRequest = Extract<ElicitRequest['params'], { mode: 'url' }>

export async function startApp(fake: FakeOpenAI, options: StartOptions = {}) {
  const { env = {}, home = tempFolder(), edges, dialog, roots, clientName = 'test' } = options
  const [first, second] = await freePorts(2)
  const loaded = loadConfig(
    { ...fake.env({ CODEX_OAUTH_NO_BROWSER: '' }), CODEX_OAUTH_PORTS: `${first},${second}`, ...env },
    () => home,
  )
  const opened: string[] = []
  const logged: string[] = []
  const openBrowser = async (url: string) => {
    opened.push(url)
    return { opened: true as const }
  }
  const log = createLog({ write: (line) => void logged.push(line), enabled: true })
  const system = { os: 'linux', arch: 'x64' }
  const machine = {
    nodeVersion: '20.20.0',
    platform: 'linux',
    arch: 'x64',
    searchPath: '',
    browser: undefined,
    home,
  } as const
  const surroundings = { place: 'desk', hasBrowser: true } as const
  const app = createApp(
    loaded,
    {
      fetch: (...request) => fetch(...request),
      clock: systemClock,
      randomBytes,
      openBrowser,
      surroundings,
      projectFolder: () => home,
      machine,
      system,
      log,
      ...edges,
    },
    '0.0.0-test',
  )
  const capabilities = {
    ...(dialog === undefined ? {} : { elicitation: { url: {} } }),
    ...(roots === undefined ? {} : { roots: {} }),
  }
  const client = new Client({ name: clientName, version: '1' }, { capabilities })
  if (roots !== undefined) {
    client.setRequestHandler(ListRootsRequestSchema, async () => ({ roots: roots.map((uri) => ({ uri })) }))
  }
  if (dialog !== undefined) {
    client.setRequestHandler(ElicitRequestSchema, async ({ params }, { signal }) => ({
      action: await dialog(params as DialogRequest, signal),
    }))
  }
  const [ours, theirs] = InMemoryTransport.createLinkedPair()
  await Promise.all([app.server.connect(theirs), client.connect(ours)])
  const close = async () => {
    await app.stop()
    await client.close()
    await app.settled()
  }
  onTestFinished(close)

  const { credentialsFile } = loaded.config
  const started: StartedApp = {
    app,
    client,
    home,
    credentialsFile,
    opened,
    logged,
    stored: () => (existsSync(credentialsFile) ? JSON.parse(readFileSync(credentialsFile, 'utf8')) : undefined),
    seed(record) {
      mkdirSync(dirname(credentialsFile), { recursive: true, mode: 0o700 })
      writeFileSync(credentialsFile, JSON.stringify({ codex: record }, null, 2), { mode: 0o600 })
    },
    async call(name, args = {}, { onProgress, ...others } = {}) {
      const result = (await client.callTool({ name, arguments: args }, undefined, {
        ...others,
        ...(onProgress === undefined ? {} : { onprogress: ({ message }) => onProgress(message ?? '') }),
      })) as CallToolResult
      const texts = result.content.map((block) => (block.type === 'text' ? block.text : ''))
      return { text: texts.join('\n'), texts, isError: result.isError === true, data: result.structuredContent }
    },
  }
  return started
}

/** The record a sign-in stores, from the tokens the fake issues; `expiresInSeconds` from now. */
export function recordOf(
  tokens: { access_token: string; refresh_token: string; id_token: string },
  expiresInSeconds = 3600,
): Record<string, unknown> {
  const nowSeconds = Math.floor(Date.now() / 1000)
  return {
    access_token: tokens.access_token,
    refresh_token: tokens.refresh_token,
    token_type: 'bearer',
    expires_at: nowSeconds + expiresInSeconds,
    id_token: tokens.id_token,
    account_id: 'acct-fake-0001',
    saved_at: nowSeconds,
    refreshed_at: nowSeconds,
    method: 'chatgpt',
  }
}
