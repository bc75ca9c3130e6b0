import { isAbsolute, join, resolve } from 'node:path'
import { CodexError } from './errors.ts'

/** Everything that can be set from outside, read once. Times are in milliseconds, URLs have no trailing slash. */
export interface Config {
  issuer: string
  clientId: string
  ports: readonly number[]
  redirectHost: 'localhost' | '127.0.0.1'
  /** Model endpoint of the ChatGPT login. */
  baseUrl: string
  api: ApiAccess
  credentialsFile: string
  /** Folder for what may be lost: the model cache. It lies beside the credentials. */
  stateDir: string
  model: string | undefined
  effort: string | undefined
  originator: string
  clientVersion: string
  loginTimeoutMs: number
  loginWaitMs: number
  idleTimeoutMs: number
  openBrowser: boolean
  debug: boolean
}

/**
 * The API key of the environment. These variables are often set for other programs, so a bad value matters only
 * when the key is used: it stands in `problem` and is thrown by `credentials.ts`.
 */
export interface ApiAccess {
  key: string | undefined
  /** The variable the key came from: shown to the user, the key never is. */
  source: 'CODEX_API_KEY' | 'OPENAI_API_KEY' | undefined
  baseUrl: string
  problem: CodexError | undefined
}

/** A setting as the README's table shows it. `test/readme.test.ts` compares the two. */
export interface Setting {
  name: string
  fallback: string
  meaning: string
}

export const SETTINGS: readonly Setting[] = [
  { name: 'CODEX_OAUTH_FILE', fallback: '`~/.claude/auth.json`', meaning: 'Credentials file (absolute path)' },
  { name: 'CODEX_OAUTH_MODEL', fallback: 'first of the catalogue', meaning: 'Model of queries that name none' },
  { name: 'CODEX_OAUTH_EFFORT', fallback: "the model's own", meaning: 'Reasoning effort of queries that name none' },
  { name: 'CODEX_OAUTH_NO_BROWSER', fallback: '–', meaning: '`1`: never open a browser, only show the address' },
  { name: 'CODEX_OAUTH_LOGIN_TIMEOUT_MS', fallback: '`300000`', meaning: 'How long a sign-in stays open' },
  { name: 'CODEX_OAUTH_LOGIN_WAIT_MS', fallback: '`45000`', meaning: 'How long one `codex_login` call waits for it' },
  { name: 'CODEX_OAUTH_IDLE_TIMEOUT_MS', fallback: '`300000`', meaning: 'Longest silence of an answer' },
  {
    name: 'CODEX_OAUTH_PORTS',
    fallback: '`1455,1457`',
    meaning: 'Callback ports, in order; OpenAI knows only these two',
  },
  { name: 'CODEX_OAUTH_REDIRECT_HOST', fallback: '`localhost`', meaning: '`localhost` or `127.0.0.1` in the redirect' },
  { name: 'CODEX_OAUTH_ISSUER', fallback: '`https://auth.openai.com`', meaning: 'OAuth issuer' },
  { name: 'CODEX_OAUTH_CLIENT_ID', fallback: 'the public Codex client', meaning: 'OAuth client' },
  {
    name: 'CODEX_OAUTH_BASE_URL',
    fallback: '`https://chatgpt.com/backend-api/codex`',
    meaning: 'Model endpoint of the ChatGPT login',
  },
  { name: 'CODEX_OAUTH_ORIGINATOR', fallback: '`codex-oauth`', meaning: 'The name we give ourselves at the service' },
  {
    name: 'CODEX_OAUTH_CLIENT_VERSION',
    fallback: '`0.169.0`',
    meaning: 'Codex client version we state as compatibility level',
  },
  { name: 'CODEX_API_KEY', fallback: '–', meaning: 'API key, used only when nobody is signed in' },
  { name: 'OPENAI_API_KEY', fallback: '–', meaning: 'The same, after `CODEX_API_KEY`' },
  { name: 'OPENAI_BASE_URL', fallback: '`https://api.openai.com/v1`', meaning: 'Model endpoint of an API key' },
  { name: 'CLAUDE_CONFIG_DIR', fallback: '`~/.claude`', meaning: 'Folder of the credentials file' },
  { name: 'CODEX_DEBUG', fallback: '`0`', meaning: '`1`: events to stderr; never a token, prompt or answer' },
]

export interface LoadedConfig {
  config: Config
  /** CONFIG_INVALID naming every bad value, or nothing. Bad values are replaced by the default meanwhile. */
  problem: CodexError | undefined
}

/**
 * The configuration in `env`. It never throws: a server that does not start is invisible to its user, so a bad
 * value becomes `problem`, which every tool call but the local ones answers with.
 */
export function loadConfig(env: Readonly<Record<string, string | undefined>>, homedir: () => string): LoadedConfig {
  const problems: string[] = []
  const text = (name: string) => env[name]?.trim() || undefined
  const read = createReader(text, problems)
  const credentialsFile = read('CODEX_OAUTH_FILE', undefined, absolutePath) ?? defaultFile(read, homedir, problems)
  const config: Config = {
    issuer: read('CODEX_OAUTH_ISSUER', 'https://auth.openai.com', serviceUrl),
    clientId: read('CODEX_OAUTH_CLIENT_ID', 'app_EMoamEEZ73f0CkXaXp7hrann', headerWord),
    ports: read('CODEX_OAUTH_PORTS', [1455, 1457], portList),
    redirectHost: read('CODEX_OAUTH_REDIRECT_HOST', 'localhost', redirectHost),
    baseUrl: read('CODEX_OAUTH_BASE_URL', 'https://chatgpt.com/backend-api/codex', serviceUrl),
    api: loadApiAccess(text),
    credentialsFile,
    stateDir: join(credentialsFile, '..', 'codex-oauth'),
    model: read('CODEX_OAUTH_MODEL', undefined, headerWord),
    effort: read('CODEX_OAUTH_EFFORT', undefined, headerWord),
    originator: read('CODEX_OAUTH_ORIGINATOR', 'codex-oauth', headerWord),
    clientVersion: read('CODEX_OAUTH_CLIENT_VERSION', '0.169.0', version),
    loginTimeoutMs: read('CODEX_OAUTH_LOGIN_TIMEOUT_MS', 300_000, milliseconds),
    loginWaitMs: read('CODEX_OAUTH_LOGIN_WAIT_MS', 45_000, milliseconds),
    idleTimeoutMs: read('CODEX_OAUTH_IDLE_TIMEOUT_MS', 300_000, milliseconds),
    openBrowser: !isOn(text('CODEX_OAUTH_NO_BROWSER')),
    debug: text('CODEX_DEBUG') === '1',
  }
  return { config, problem: problems.length === 0 ? undefined : configInvalid(problems) }
}

type Text = (name: string) => string | undefined
type Reader = <T>(name: string, fallback: T, parse: (value: string) => T) => T

function createReader(text: Text, problems: string[]): Reader {
  return (name, fallback, parse) => {
    const value = text(name)
    if (value === undefined) return fallback
    try {
      return parse(value)
    } catch (error) {
      problems.push(`${name} ${error instanceof Error ? error.message : 'is not valid'}`)
      return fallback
    }
  }
}

function loadApiAccess(text: Text): ApiAccess {
  const problems: string[] = []
  const read = createReader(text, problems)
  const source = (['CODEX_API_KEY', 'OPENAI_API_KEY'] as const).find((name) => text(name) !== undefined)
  return {
    key: source === undefined ? undefined : read(source, undefined, apiKey),
    source,
    baseUrl: read('OPENAI_BASE_URL', 'https://api.openai.com/v1', serviceUrl),
    problem: problems.length === 0 ? undefined : configInvalid(problems),
  }
}

function configInvalid(problems: readonly string[]): CodexError {
  return new CodexError('CONFIG_INVALID', `A setting of codex-oauth is not usable: ${problems.join('; ')}.`, {
    hint: 'Correct or remove it in the environment of the MCP server, then restart the server.',
  })
}

/**
 * `$CLAUDE_CONFIG_DIR/auth.json`, else `~/.claude/auth.json`. Without a home there is no place: the folder the server
 * happens to be started in is somebody's project.
 */
function defaultFile(read: Reader, homedir: () => string, problems: string[]): string {
  const folder = read('CLAUDE_CONFIG_DIR', undefined, absolutePath)
  if (folder !== undefined) return join(folder, 'auth.json')
  try {
    return join(absolutePath(homedir()), '.claude', 'auth.json')
  } catch {
    problems.push(
      'HOME is not set, or not to an absolute path, so there is no place for credentials: set CODEX_OAUTH_FILE',
    )
    return join(resolve('/'), 'nowhere', 'auth.json')
  }
}

function absolutePath(value: string): string {
  if (!isAbsolute(value)) throw new Error('must be an absolute path')
  return value
}

/** https, or http to a loopback host; without credentials, query and trailing slash. */
function serviceUrl(value: string): string {
  let url: URL
  try {
    url = new URL(value)
  } catch {
    // The value itself stays out of the text: a mistyped URL may carry a password.
    throw new Error('is not a URL')
  }
  const loopback = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && loopback)) {
    throw new Error('must be an https URL (http only for localhost)')
  }
  if (url.username || url.password || /[?#]/.test(url.href)) {
    throw new Error('must not carry credentials, a query or a fragment')
  }
  return url.href.replace(/\/+$/, '')
}

function portList(value: string): number[] {
  const ports = value.split(',').map((part) => Number(part.trim()))
  if (!ports.every((port) => Number.isInteger(port) && port > 0 && port < 65_536)) {
    throw new Error('must be port numbers separated by commas, like 1455,1457')
  }
  return ports
}

function redirectHost(value: string): 'localhost' | '127.0.0.1' {
  if (value !== 'localhost' && value !== '127.0.0.1') throw new Error('must be localhost or 127.0.0.1')
  return value
}

function milliseconds(value: string): number {
  const number = Number(value)
  // setTimeout wraps around above 2^31-1 and would fire at once.
  if (!Number.isInteger(number) || number < 1 || number > 2_147_483_647) {
    throw new Error('must be a whole number of milliseconds')
  }
  return number
}

function version(value: string): string {
  if (!/^\d+\.\d+\.\d+[\w.+-]*$/.test(value)) throw new Error('must be a version like 0.169.0')
  return value
}

/** What goes into a header or a query must not be able to leave it. */
function headerWord(value: string): string {
  if (!/^[\w.:/+@-]{1,200}$/.test(value)) throw new Error('may hold only letters, digits and . _ - : / + @')
  return value
}

function apiKey(value: string): string {
  if (!/^[!-~]{1,4096}$/.test(value)) throw new Error('is not an API key')
  return value
}

function isOn(value: string | undefined): boolean {
  return value !== undefined && !['0', 'false', 'no', 'off'].includes(value.toLowerCase())
}
