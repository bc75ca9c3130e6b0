import { SETTINGS } from '../../src/settings.ts'
import { createTools, type Services } from '../../src/tools/index.ts'
import { listed } from '../../src/tools/tool.ts'

/** What a registry lists of the settings; the README has all. Those with a secret as their value are marked. */
const LISTED_SETTINGS: Readonly<Record<string, 'text' | 'file' | 'secret'>> = {
  CODEX_OAUTH_FILE: 'file',
  CODEX_OAUTH_MODEL: 'text',
  CODEX_OAUTH_EFFORT: 'text',
  CODEX_OAUTH_ROUTE: 'text',
  CODEX_OAUTH_NO_BROWSER: 'text',
  CODEX_OAUTH_KEEP_ANSWERS: 'text',
  CODEX_OAUTH_STORE: 'text',
  CODEX_OAUTH_PASSPHRASE: 'secret',
  CODEX_API_KEY: 'secret',
  CODEX_ACCESS_TOKEN: 'secret',
  CODEX_CA_CERTIFICATE: 'file',
}

interface ServerFile {
  version: string
  packages: { version: string; environmentVariables: unknown[] }[]
}

interface BundleFile {
  version: string
  tools: unknown[]
}

/** `server.json`, for the MCP registry, with the version and the settings as the code has them. */
export function withSettings<T extends ServerFile>(server: T, version: string): T {
  const packages = server.packages.map((entry) => ({ ...entry, version, environmentVariables: listedSettings() }))
  return { ...server, version, packages }
}

/** `manifest.json`, of the MCP bundle, with the version and the tools as the code has them. */
export function withTools<T extends BundleFile>(manifest: T, version: string): T {
  // Listing a tool runs nothing, so no service is ever touched.
  const tools = createTools({} as Services).map(listed)
  return { ...manifest, version, tools: tools.map(({ name, description }) => ({ name, description })) }
}

function listedSettings(): unknown[] {
  return SETTINGS.flatMap(({ name, meaning }) => {
    const kind = LISTED_SETTINGS[name]
    if (kind === undefined) return []
    const description = meaning.replaceAll('`', '')
    const format = kind === 'file' ? { format: 'filepath' } : {}
    return [{ name, description, isRequired: false, isSecret: kind === 'secret', ...format }]
  })
}
