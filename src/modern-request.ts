import type { ClientCapabilities } from '@modelcontextprotocol/sdk/types.js'

/** The revision that does without a handshake: each request says by itself what its client is and can do. */
export const MODERN_VERSION = '2026-07-28'

const VERSION_KEY = 'io.modelcontextprotocol/protocolVersion'
const CAPABILITIES_KEY = 'io.modelcontextprotocol/clientCapabilities'
const CLIENT_KEY = 'io.modelcontextprotocol/clientInfo'
export const SERVER_KEY = 'io.modelcontextprotocol/serverInfo'

/** What a client says of itself in a request. */
export interface ModernClient {
  capabilities: ClientCapabilities
  name: string | undefined
}

export interface ProtocolError {
  code: number
  message: string
  data?: unknown
}

/**
 * Whether the request is to be served by the rules of MCP 2026-07-28: it names its revision, or asks for what only that
 * one has. A handshake that names one without being complete is one of the older protocol.
 */
export function isModern(method: string, params: unknown): boolean {
  if (method === 'initialize') return VERSION_KEY in metaOf(params) && refusalOf(params) === undefined
  return method === 'server/discover' || VERSION_KEY in metaOf(params)
}

/** What the request says of its client; undefined for one of the older protocol. */
export function clientIn(params: unknown): ModernClient | undefined {
  if (!(VERSION_KEY in metaOf(params))) return undefined
  const { [CAPABILITIES_KEY]: capabilities, [CLIENT_KEY]: client } = metaOf(params)
  return {
    capabilities: isObject(capabilities) ? capabilities : {},
    name: isObject(client) && typeof client.name === 'string' ? client.name : undefined,
  }
}

/** Why a request that names its revision cannot be served, whatever it asks for. */
export function refusalOf(params: unknown): ProtocolError | undefined {
  const { [VERSION_KEY]: version, [CAPABILITIES_KEY]: capabilities, [CLIENT_KEY]: client } = metaOf(params)
  if (typeof version !== 'string') return invalid(`_meta: ${VERSION_KEY} must be a text.`)
  if (!isObject(capabilities)) return invalid(`_meta: ${CAPABILITIES_KEY} is missing or no object.`)
  if (client !== undefined && !(isObject(client) && isText(client.name) && isText(client.version))) {
    return invalid(`_meta: ${CLIENT_KEY} must have a name and a version.`)
  }
  if (version === MODERN_VERSION) return undefined
  const data = { supported: [MODERN_VERSION], requested: version }
  return { code: -32022, message: 'Unsupported protocol version', data }
}

/** What a client has to declare before this can be asked of it, and has not. */
export function missingFor(
  { method, params }: { method: string; params?: Readonly<Record<string, unknown>> | undefined },
  { capabilities }: ModernClient,
): ClientCapabilities | undefined {
  switch (method) {
    case 'elicitation/create': {
      const { elicitation } = capabilities
      if (params?.mode === 'url') return elicitation?.url === undefined ? { elicitation: { url: {} } } : undefined
      // One that names no kind of dialog has the older one, forms.
      const hasForms = elicitation?.form !== undefined || (elicitation !== undefined && elicitation.url === undefined)
      return hasForms ? undefined : { elicitation: { form: {} } }
    }
    case 'roots/list':
      return capabilities.roots === undefined ? { roots: {} } : undefined
    default:
      return capabilities.sampling === undefined ? { sampling: {} } : undefined
  }
}

export function invalid(message: string, data?: unknown): ProtocolError {
  return { code: -32602, message, ...(data === undefined ? {} : { data }) }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function metaOf(params: unknown): Record<string, unknown> {
  return isObject(params) && isObject(params._meta) ? params._meta : {}
}
