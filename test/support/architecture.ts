import { dirname, join } from 'node:path/posix'
import { type Import, readSource } from './source-text.ts'

/**
 * Who may import what: paths in `src` without `.ts`, or packages. `*` is anything; `type` means types only; names in
 * braces are the only values that may be taken. Nothing below imports anything above.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  launch: ['infrastructure/code-cache', 'node:fs', 'node:os', 'node:vm'],
  main: [
    'app',
    'serve',
    'run-command',
    'renewal-process',
    'config',
    'settings',
    'infrastructure/log',
    'infrastructure/browser',
    'infrastructure/home',
    'zod',
    'infrastructure/clock',
    'infrastructure/surroundings',
    'type services/login/renewal-delegation',
    'node:*',
  ],
  'renewal-process': ['type app', 'services/login/renewal-job', 'infrastructure/detached-program', 'type node:stream'],
  serve: ['type app', 'stdio', 'infrastructure/within', 'type infrastructure/log', 'type node:stream'],
  'run-command': ['type app', 'cli/*', 'type errors', 'infrastructure/within', 'type infrastructure/log'],
  app: ['server', 'config', 'errors', 'tools/*', 'services/*', 'infrastructure/*', 'type @modelcontextprotocol/sdk/*'],
  server: [
    'client-requests',
    'protocol-era',
    'errors',
    'tools/*',
    '@modelcontextprotocol/sdk/server/index.js',
    'type @modelcontextprotocol/sdk/*',
    'type zod',
  ],
  'client-requests': ['modern-request', 'type tools/*', 'zod', 'type @modelcontextprotocol/sdk/*'],
  'protocol-era': ['modern-calls', 'modern-request', 'type @modelcontextprotocol/sdk/*'],
  'modern-calls': ['modern-request', 'type @modelcontextprotocol/sdk/*'],
  'modern-request': ['type @modelcontextprotocol/sdk/*'],
  stdio: [
    'type infrastructure/log',
    '@modelcontextprotocol/sdk/types.js',
    'type @modelcontextprotocol/sdk/*',
    'type node:stream',
  ],
  cli: [
    'cli/*',
    // No more of the tools than that: what a late import takes in, the bundler makes late for everybody, zod too.
    'tools/issue-words',
    'tools/cleared-words',
    'tools/listed',
    'type tools/*',
    'type services/*',
    'services/oauth/id-claims { maskEmail }',
    'services/status/duration { duration }',
    'services/conversations/conversation-name { EVERY_CONVERSATION }',
    'errors',
    'infrastructure/abort { raceSignal }',
    'node:util',
  ],
  tools: [
    'infrastructure/once { once }',
    'tools/*',
    'type services/*',
    'services/oauth/id-claims { maskEmail }',
    'services/conversations/conversation-name { EVERY_CONVERSATION }',
    'zod',
  ],
  services: ['services/*', 'infrastructure/*', 'errors', 'type config', 'node:crypto'],
  infrastructure: [
    'infrastructure/*',
    'errors',
    'node:*',
    'open',
    'proper-lockfile',
    'eventsource-parser',
    'jose/jwt/verify',
    'jose/jwks/local',
    'jsonc-parser',
    '@cfworker/json-schema',
    'picomatch',
    'undici',
  ],
  config: ['errors', 'config-values', 'node:path'],
  'config-values': ['node:path'],
  settings: [],
  errors: [],
}

/** Where processes are the subject: who is it, does it live, whose file is it, which signals come with the lock. */
export const MAY_USE_PROCESS = [
  'launch.ts',
  'main.ts',
  'infrastructure/process-identity.ts',
  'infrastructure/token-storage.ts',
  'infrastructure/file-lock.ts',
  'infrastructure/atomic-file.ts',
  'infrastructure/code-cache.ts',
  'infrastructure/process-end.ts',
  'infrastructure/run-program.ts',
  'infrastructure/detached-program.ts',
  'infrastructure/keychain.ts',
  'infrastructure/machine-secret.ts',
]

/** What breaks the rules in these files of `src`: path to text. One sentence each. */
export function architectureProblems(files: Readonly<Record<string, string>>): string[] {
  return Object.entries(files).flatMap(([path, text]) => {
    const room = roomOf(path)
    const rules = MAY_IMPORT[room]
    if (rules === undefined) return [`${path} belongs to no room`]
    const { code, imports } = readSource(text)
    return [
      ...imports.filter((found) => !isAllowed(found, path, rules)).map((found) => `${path} imports ${inWords(found)}`),
      ...(usesProcess(code, imports) && !MAY_USE_PROCESS.includes(path) ? [`${path} uses process`] : []),
      ...(/(?<![.\w$])console\b|\bglobalThis\s*\.\s*console\b/.test(code) ? [`${path} uses console`] : []),
      ...(/\bexport\s+default\b|\bas\s+default\b/.test(code) ? [`${path} has a default export`] : []),
      ...(['services', 'tools', 'cli'].includes(room)
        ? edgesIn(code).map((edge) => `${path} reaches for ${edge}`)
        : []),
    ]
  })
}

/** True if the file needs its place in `MAY_USE_PROCESS`. */
export function needsProcess(text: string): boolean {
  const { code, imports } = readSource(text)
  return usesProcess(code, imports)
}

/** The folder; for a file beside the folders its own name. */
function roomOf(path: string): string {
  return path.split('/').length > 1 ? (path.split('/')[0] ?? '') : path.replace(/\.ts$/, '')
}

function isAllowed(found: Import, path: string, rules: readonly string[]): boolean {
  const target = targetOf(found.from, path)
  return target !== undefined && rules.some((rule) => allows(rule, found, target))
}

function allows(rule: string, { names, typeOnly }: Import, target: string): boolean {
  const [, type, pattern = '', only] = /^(type )?(\S+)(?: \{ (.+) \})?$/.exec(rule) ?? []
  const matches = pattern.endsWith('*') ? target.startsWith(pattern.slice(0, -1)) : target === pattern
  if (!matches || (type !== undefined && !typeOnly)) return false
  return only === undefined || typeOnly || (names.length > 0 && names.every((name) => only.split(', ').includes(name)))
}

/** A path in `src` without its ending, or a package; undefined for what leads out of `src` or is computed. */
function targetOf(from: string | undefined, path: string): string | undefined {
  if (from === undefined) return undefined
  if (!from.startsWith('.')) return from
  const target = join(dirname(path), from)
  return target.startsWith('..') || !target.endsWith('.ts') ? undefined : target.replace(/\.ts$/, '')
}

function inWords({ from, names, typeOnly }: Import): string {
  const what = typeOnly ? 'types' : names.length === 0 ? 'all' : names.join(', ')
  return from === undefined ? 'something computed' : `${what} from ${from}`
}

function usesProcess(code: string, imports: readonly Import[]): boolean {
  return (
    imports.some(({ from }) => /^(node:)?process$/.test(from ?? '')) ||
    /(?<![.\w$])process\b|\bglobalThis\s*\.\s*process\b/.test(code)
  )
}

/** Time, chance and the network are passed in. */
function edgesIn(code: string): string[] {
  const edges =
    /\bDate\s*\.\s*now\b|\bnew\s+Date\s*\(\s*\)|\bMath\s*\.\s*random\b|(?<![.\w$])(?:performance|setTimeout|setInterval|setImmediate|fetch)\b/g
  return [...code.matchAll(edges)].map(([edge]) => edge)
}
