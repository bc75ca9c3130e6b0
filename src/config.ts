import { join, resolve } from 'node:path'
import {
  absolutePath,
  codexUrl,
  headerWord,
  isOn,
  milliseconds,
  onOrOff,
  planUrl,
  port,
  portList,
  proxyUrl,
  redirectHost,
  routeName,
  secretWord,
  serviceUrl,
  storeKind,
  variableName,
  version,
} from './config-values.ts'
import { CodexError } from './errors.ts'

/** Everything that can be set from outside, read once. Times are in milliseconds, URLs have no trailing slash. */
export interface Config {
  issuer: string
  clientId: string
  ports: readonly number[]
  redirectHost: 'localhost' | '127.0.0.1'
  /** Model endpoint of the ChatGPT login. */
  baseUrl: string
  /** Model endpoint of a sign-in for plan usage. */
  planBaseUrl: string
  /** The port its sign-in is answered at; any that is free unless told. */
  planPort: number | undefined
  /** The login a plain sign-in is for, where somebody has said so. */
  route: 'codex' | 'plan' | undefined
  api: ApiAccess
  /** A bearer token given from outside. It cannot be renewed. */
  accessToken: OutsideToken
  /** Undefined when the environment says nothing about the way to the network. */
  network: NetworkSettings | undefined
  /** NODE_TLS_REJECT_UNAUTHORIZED=0: Node would talk to anybody. */
  insecureTls: boolean
  /** How the credentials lie on disk. */
  store: StoreKind
  /** For the store `encrypted`. */
  passphrase: string | undefined
  credentialsFile: string
  /**
   * Folder for the model cache, the package that reaches the keychain, and what this installation is at OpenAI, which
   * costs a consent to lose. It lies beside the credentials.
   */
  stateDir: string
  model: string | undefined
  effort: string | undefined
  originator: string
  clientVersion: string
  loginTimeoutMs: number
  loginWaitMs: number
  /** How long an answer may take to have headers, then its first event, and how long it may be silent from then on. */
  headerTimeoutMs: number
  firstEventTimeoutMs: number
  idleTimeoutMs: number
  openBrowser: boolean
  /** Whether answers are kept on disk for a while, so that one that was lost on its way can be had again. */
  keepAnswers: boolean
  debug: boolean
}

/**
 * The API key of the environment. These variables are often set for other programs, so a bad value matters only
 * when the key is used: it stands in `problem` and is thrown by `credentials.ts`.
 */
export interface ApiAccess {
  key: string | undefined
  /** The variable the key came from: shown to the user, the key never is. */
  source: string | undefined
  baseUrl: string
  /** What is wrong with `OPENAI_BASE_URL`, which counts for a stored key too. */
  baseUrlProblem: CodexError | undefined
  /** What is wrong with any of it. */
  problem: CodexError | undefined
}

/** `CODEX_ACCESS_TOKEN`; its problem matters only when it is used, as with a key. */
export interface OutsideToken {
  token: string | undefined
  problem: CodexError | undefined
}

/** The variables every program on the machine shares; either case, the lower one first as in curl. */
export interface NetworkSettings {
  /** For https addresses; `ALL_PROXY` where nothing more particular is set. URLs, possibly with credentials. */
  httpsProxy: string | undefined
  httpProxy: string | undefined
  /** Hosts to reach directly, as the variable has them. */
  noProxy: string | undefined
  /** Files with certificates to trust beside the usual ones. */
  caFiles: readonly { variable: string; path: string }[]
  /** A proxy that makes no sense: thrown by each request that would have to go through it. */
  problem: CodexError | undefined
}

export type StoreKind = 'file' | 'encrypted' | 'keychain'

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
  const text = (name: string) => (Object.hasOwn(env, name) ? env[name]?.trim() || undefined : undefined)
  const read = createReader(text, problems)
  const credentialsFile = read('CODEX_OAUTH_FILE', undefined, absolutePath) ?? defaultFile(read, homedir, problems)
  const config: Config = {
    issuer: read('CODEX_OAUTH_ISSUER', 'https://auth.openai.com', serviceUrl),
    clientId: read('CODEX_OAUTH_CLIENT_ID', 'app_EMoamEEZ73f0CkXaXp7hrann', headerWord),
    ports: read('CODEX_OAUTH_PORTS', [1455, 1457], portList),
    redirectHost: read('CODEX_OAUTH_REDIRECT_HOST', 'localhost', redirectHost),
    baseUrl: read('CODEX_OAUTH_BASE_URL', 'https://chatgpt.com/backend-api/codex', codexUrl),
    planBaseUrl: read('CODEX_OAUTH_PLAN_BASE_URL', 'https://api.openai.com/v1', planUrl),
    planPort: read('CODEX_OAUTH_PLAN_PORT', undefined, port),
    route: read('CODEX_OAUTH_ROUTE', undefined, routeName),
    api: loadApiAccess(text),
    accessToken: loadAccessToken(text),
    network: loadNetwork(text),
    insecureTls: text('NODE_TLS_REJECT_UNAUTHORIZED') === '0',
    store: read('CODEX_OAUTH_STORE', 'file', storeKind),
    passphrase: read('CODEX_OAUTH_PASSPHRASE', undefined, (value) => value),
    credentialsFile,
    stateDir: join(credentialsFile, '..', 'codex-oauth'),
    model: read('CODEX_OAUTH_MODEL', undefined, headerWord),
    effort: read('CODEX_OAUTH_EFFORT', undefined, headerWord),
    originator: read('CODEX_OAUTH_ORIGINATOR', 'codex-oauth', headerWord),
    // That of the client whose requests are captured (facts: wire-protocol): nobody has looked at what a newer one may ask for.
    clientVersion: read('CODEX_OAUTH_CLIENT_VERSION', '0.169.0', version),
    loginTimeoutMs: read('CODEX_OAUTH_LOGIN_TIMEOUT_MS', 300_000, milliseconds),
    loginWaitMs: read('CODEX_OAUTH_LOGIN_WAIT_MS', 45_000, milliseconds),
    headerTimeoutMs: read('CODEX_OAUTH_HEADER_TIMEOUT_MS', 60_000, milliseconds),
    firstEventTimeoutMs: read('CODEX_OAUTH_FIRST_EVENT_TIMEOUT_MS', 120_000, milliseconds),
    idleTimeoutMs: read('CODEX_OAUTH_IDLE_TIMEOUT_MS', 300_000, milliseconds),
    openBrowser: !isOn(text('CODEX_OAUTH_NO_BROWSER')),
    // A switch for privacy that is mistyped must not look as if it were off.
    keepAnswers: read('CODEX_OAUTH_KEEP_ANSWERS', true, onOrOff),
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

const KEY_VARIABLE = 'CODEX_OAUTH_API_KEY_VARIABLE'

function loadApiAccess(text: Text): ApiAccess {
  const badAddress: string[] = []
  const baseUrl = createReader(text, badAddress)('OPENAI_BASE_URL', 'https://api.openai.com/v1', serviceUrl)
  const problems = [...badAddress]
  const read = createReader(text, problems)
  const named = read(KEY_VARIABLE, undefined, variableName)
  const isMisnamed = problems.length > badAddress.length
  const names = named === undefined ? ['CODEX_API_KEY', 'OPENAI_API_KEY'] : [named]
  // A key was meant, and it may even stand in the place of the name: it is not passed over, and not inherited.
  const source = isMisnamed ? KEY_VARIABLE : names.find((name) => text(name) !== undefined)
  return {
    key:
      isMisnamed || source === undefined ? undefined : read(source, undefined, secretWord('an API key', 4096, /^eyJ/)),
    source,
    baseUrl,
    baseUrlProblem: badAddress.length === 0 ? undefined : configInvalid(badAddress),
    problem: problems.length === 0 ? undefined : configInvalid(problems),
  }
}

function loadAccessToken(text: Text): OutsideToken {
  const problems: string[] = []
  const token = createReader(text, problems)(
    'CODEX_ACCESS_TOKEN',
    undefined,
    secretWord('an access token', 16_384, /^sk-/),
  )
  return { token, problem: problems.length === 0 ? undefined : configInvalid(problems) }
}

function loadNetwork(text: Text): NetworkSettings | undefined {
  const problems: string[] = []
  const read = createReader(text, problems)
  const either = (name: string) => (text(name.toLowerCase()) === undefined ? name : name.toLowerCase())
  // What stands in is read only where it has to: it may be of a kind for other programs.
  const proxy = (name: string) =>
    read(text(either(name)) === undefined ? either('ALL_PROXY') : either(name), undefined, proxyUrl)
  const httpsProxy = proxy('HTTPS_PROXY')
  const httpProxy = proxy('HTTP_PROXY')
  const caFiles = CA_VARIABLES.flatMap((variable) => {
    const path = text(variable)
    return path === undefined ? [] : [{ variable, path }]
  })
  const problem = problems.length === 0 ? undefined : configInvalid([...new Set(problems)])
  if (httpsProxy === undefined && httpProxy === undefined && caFiles.length === 0 && problem === undefined) {
    return undefined
  }
  return { httpsProxy, httpProxy, noProxy: text(either('NO_PROXY')), caFiles, problem }
}

const CA_VARIABLES = ['CODEX_CA_CERTIFICATE', 'SSL_CERT_FILE', 'NODE_EXTRA_CA_CERTS']

function configInvalid(problems: readonly string[]): CodexError {
  return new CodexError('CONFIG_INVALID', `A setting of codex-oauth is not usable: ${problems.join('; ')}.`, {
    hint: 'Correct or remove it in the environment of the server and restart the server.',
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
