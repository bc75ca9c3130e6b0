import type { Dispatcher, Pool } from 'undici'
import { CodexError } from '../errors.ts'
import { isLoopbackHost } from './loopback-host.ts'
import { isDistrust, proxyFailure, proxyRefused } from './network-failure.ts'
import { areToBeRead, type CertificateFile, createTrust, unreadableByNode } from './trusted-certificates.ts'

/** What the environment says about the way to the network. */
export interface NetworkOptions {
  /** URLs, possibly with credentials. */
  httpsProxy: string | undefined
  httpProxy: string | undefined
  /** Hosts to reach directly, separated by commas or spaces, each with its subdomains. */
  noProxy: string | undefined
  caFiles: readonly CertificateFile[]
  /** A proxy that makes no sense: thrown where it would have been needed. */
  problem: CodexError | undefined
}

export interface FetchDeps {
  fetch: typeof globalThis.fetch
  network: NetworkOptions | undefined
  /** Whether Node is told to accept every certificate. */
  insecureTls: boolean
}

/**
 * `fetch` by the way the environment names: through its proxies, trusting its certificates. Hosts of this machine are
 * reached directly, whatever is set. What that takes is loaded with the first request, and only where something is
 * set.
 *
 * The function given rejects as `fetch` does, what the proxy did wrong being a CodexError NETWORK in the `cause`; and
 * with CodexError CONFIG_INVALID: the proxy makes no sense, a file with certificates cannot be read, certificates are
 * not checked.
 */
export function createFetch({ fetch, network, insecureTls }: FetchDeps): typeof globalThis.fetch {
  let opening: Promise<Ways> | undefined

  /** The file may have been corrected meanwhile, so a failure is not kept. */
  const open = (options: NetworkOptions) => {
    opening ??= openWays(options).catch((problem) => {
      opening = undefined
      throw problem
    })
    return opening
  }

  return async (input, init) => {
    const { hostname, host } = new URL(typeof input === 'object' && 'url' in input ? input.url : input)
    // No proxy could reach it for us.
    const isNear = isLoopbackHost(hostname)
    if (insecureTls && !isNear) throw unchecked(host)
    if (network === undefined) return fetch(input, init)
    const ways = isPlain(network) ? undefined : await open(network)
    const dispatcher = isNear ? ways?.direct : ways?.proxied
    try {
      return await fetch(input, dispatcher === undefined ? init : Object.assign({}, init, { dispatcher }))
    } catch (cause) {
      throw (isDistrust(cause) ? await unreadableByNode(network.caFiles) : undefined) ?? cause
    }
  }
}

/** True when Node does by itself all that is asked for. */
function isPlain({ httpsProxy, httpProxy, caFiles, problem }: NetworkOptions): boolean {
  const hasProxy = httpsProxy !== undefined || httpProxy !== undefined || problem !== undefined
  return !hasProxy && !areToBeRead(caFiles)
}

interface Ways {
  direct: Dispatcher
  /** The one that knows the proxies and the exceptions from them. */
  proxied: Dispatcher
}

async function openWays({ httpsProxy, httpProxy, noProxy, caFiles, problem }: NetworkOptions): Promise<Ways> {
  const { Agent, EnvHttpProxyAgent, Pool } = await import('undici')
  const secureContext = await createTrust(caFiles)
  const tls = secureContext === undefined ? {} : { secureContext }
  const clientFactory = (proxy: URL, options: object) =>
    tellingProxy(new Pool(proxy.origin, options), proxy, httpsProxy === undefined ? problem : undefined)
  return {
    direct: new Agent({ connect: tls }),
    proxied: new EnvHttpProxyAgent({
      // Empty rather than left out: it would look into the environment itself.
      httpsProxy: httpsProxy ?? (problem === undefined ? '' : 'http://proxy.invalid'),
      httpProxy: httpProxy ?? '',
      noProxy: everything(noProxy) ? '*' : (noProxy ?? ''),
      connect: tls,
      requestTls: tls,
      proxyTls: tls,
      clientFactory,
    }),
  }
}

/** A star among others means everything too; the library knows it alone only. */
function everything(noProxy = ''): boolean {
  return noProxy.split(/[,\s]+/).includes('*')
}

/** The connections to a proxy. What fails there is told apart from what fails behind it. */
function tellingProxy(pool: Pool, { host, username }: URL, problem: CodexError | undefined): Dispatcher {
  const connect = pool.connect.bind(pool)
  const telling = async (request: Dispatcher.ConnectOptions) => {
    if (problem !== undefined) throw problem
    const answer = await connect(request).catch((cause: unknown) => {
      throw proxyFailure(host, cause)
    })
    const { statusCode: status, socket } = answer
    if (status === 200) return answer
    socket.on('error', () => {}).destroy()
    throw proxyRefused({ proxy: host, target: request.path, status, hasLogin: username !== '' })
  }
  return Object.assign(pool, { connect: telling })
}

function unchecked(host: string): CodexError {
  return new CodexError(
    'CONFIG_INVALID',
    `NODE_TLS_REJECT_UNAUTHORIZED=0 is set: anybody on the way to ${host} could read the login, so the request was refused.`,
    {
      hint: 'Remove it from the environment of the server and restart the server; where a company reads the connections, name the PEM file of its certificate authority in CODEX_CA_CERTIFICATE instead.',
    },
  )
}
