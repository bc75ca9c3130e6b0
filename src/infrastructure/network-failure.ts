import { CodexError } from '../errors.ts'

/** The far end of a connection that did not come about: the host asked for, or the proxy on the way to it. */
interface FarEnd {
  /** With its port, if it is an unusual one; never with credentials. */
  host: string
  isProxy: boolean
}

interface Failure {
  message(far: string, code: string): string
  hint: string
  /** In place of `hint` where the far end is the proxy. */
  proxyHint?: string
  /** Left out where trying again cannot help. */
  retryable?: true
}

const UNKNOWN_ISSUER = /SELF_SIGNED|UNABLE_TO_(GET_ISSUER|VERIFY_LEAF)|CERT_UNTRUSTED|INVALID_CA/
const FIREWALL =
  'Check the network connection; where a firewall lets only a proxy out, name it in HTTPS_PROXY in the environment of the server.'
const PROXY_ADDRESS = 'Check HTTPS_PROXY in the environment of the server, and the connection to the company network.'
const PORTAL =
  'Mostly that is the sign-in page of a network: open any web page in a browser and sign in there. Check the address if you have set one.'

/** What can go wrong below HTTP, one sentence for each thing a user can act on; the first that fits counts. */
const FAILURES: readonly (Failure & { codes: RegExp })[] = [
  {
    codes: /^(ENOTFOUND|EAI_\w+)$/,
    message: (far) => `The name of ${far} could not be resolved.`,
    hint: `${FIREWALL} Then try again.`,
    proxyHint: PROXY_ADDRESS,
    retryable: true,
  },
  {
    codes: /^ECONNREFUSED$/,
    message: (far, code) => `The connection was refused by ${far} (${code}).`,
    hint: FIREWALL,
    proxyHint: 'It may not be running, or listen on another port: check HTTPS_PROXY in the environment of the server.',
    retryable: true,
  },
  {
    codes: /^(EHOSTUNREACH|ENETUNREACH|ENETDOWN|EHOSTDOWN|EADDRNOTAVAIL)$/,
    message: (far, code) => `There is no way from this machine to ${far} (${code}).`,
    hint: 'Check the network connection and the VPN, then try again.',
    retryable: true,
  },
  {
    codes: /^(ETIMEDOUT|UND_ERR_CONNECT_TIMEOUT)$/,
    message: (far, code) => `No connection to ${far} came about in time (${code}).`,
    hint: `Try again. ${FIREWALL}`,
    proxyHint: PROXY_ADDRESS,
    retryable: true,
  },
  {
    codes: /^(EACCES|EPERM)$/,
    message: (far, code) => `This machine does not let this program connect to ${far} (${code}).`,
    hint: 'A firewall or a sandbox on this machine forbids it: allow it there.',
  },
  {
    codes: /^(CERT_HAS_EXPIRED|CERT_NOT_YET_VALID)$/,
    message: (far, code) => `The certificate of ${far} is not valid today (${code}).`,
    hint: 'Check the date and the time of this machine.',
  },
  {
    codes: /^(ERR_TLS_CERT_ALTNAME_INVALID|HOSTNAME_MISMATCH)$/,
    message: (far, code) => `The certificate that came is not one of ${far}, but for another name (${code}).`,
    hint: PORTAL,
    proxyHint: PROXY_ADDRESS,
  },
  {
    codes: UNKNOWN_ISSUER,
    message: (far, code) =>
      `The certificate of ${far} comes from an issuer this machine does not know (${code}): somebody on the way may be reading along, mostly a company's proxy or a virus scanner.`,
    hint: 'If that is meant to be so, name the PEM file of its certificate authority in CODEX_CA_CERTIFICATE in the environment of the server and restart the server; otherwise use another network.',
  },
  {
    codes: /CERT|UNABLE_TO_/,
    message: (far, code) => `The certificate of ${far} was not accepted (${code}).`,
    hint: 'Use another network, or ask who runs this one.',
  },
  {
    codes: /^(ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP\w*|UNKNOWN_PROTOCOL)|EPROTO)$/,
    message: (far, code) => `What answers in place of ${far} does not speak TLS (${code}).`,
    hint: PORTAL,
    proxyHint: 'Write its address with http:// instead of https:// in HTTPS_PROXY in the environment of the server.',
  },
  {
    codes: /^ERR_(SSL|TLS)/,
    message: (far, code) => `No secure connection to ${far} came about (${code}).`,
    hint: 'A proxy or a firewall may stand in between; try another network.',
  },
  {
    codes: /^HPE_/,
    message: (far, code) => `What answers in place of ${far} does not speak HTTP (${code}).`,
    hint: PORTAL,
    proxyHint: PROXY_ADDRESS,
  },
]

const OTHER: Failure = {
  message: (far, code) => `The connection to ${far} failed (${code}).`,
  hint: 'Try again.',
  proxyHint: `Try again. ${PROXY_ADDRESS}`,
  retryable: true,
}

/** Why there was no answer from a host. An error of ours that somebody on the way has put inside stands as it is. */
export function networkFailure(host: string, cause: unknown): CodexError {
  return ownErrorIn(cause) ?? failureAt({ host, isProxy: false }, cause)
}

/** Why there is no connection to the proxy. */
export function proxyFailure(host: string, cause: unknown): CodexError {
  return failureAt({ host, isProxy: true }, cause)
}

/** True when the far end could be reached but its certificate was not trusted. */
export function isDistrust(cause: unknown): boolean {
  return UNKNOWN_ISSUER.test(failureCode(cause))
}

/** The errno or undici code behind fetch's "fetch failed"; only its code, because the text may quote a header. */
export function failureCode(error: unknown): string {
  for (let current = error; current instanceof Error; current = current.cause) {
    if (current instanceof CodexError && current.cause instanceof Error) continue
    const code = 'code' in current ? current.code : undefined
    if (typeof code === 'string' && /^[A-Z][A-Z0-9_]{2,60}$/.test(code)) return code
    // undici forgets the code of these.
    if (current.name === 'HTTPParserError') return 'HPE_INVALID'
    if (current instanceof AggregateError && current.errors.length > 0) return failureCode(current.errors[0])
  }
  return 'UNKNOWN'
}

function failureAt({ host, isProxy }: FarEnd, cause: unknown): CodexError {
  const code = failureCode(cause)
  const { message, hint, proxyHint = hint, retryable = false } = FAILURES.find(({ codes }) => codes.test(code)) ?? OTHER
  const far = isProxy ? `the proxy ${host}` : host
  return new CodexError('NETWORK', message(far, code), { hint: isProxy ? proxyHint : hint, cause, retryable })
}

function ownErrorIn(error: unknown): CodexError | undefined {
  for (let current = error; current instanceof Error; current = current.cause) {
    if (current instanceof CodexError) return current
  }
  return undefined
}

export interface ProxyRefusal {
  /** Host and port of the proxy. */
  proxy: string
  /** Host and port it was to connect to. */
  target: string
  status: number
  /** Whether a user name and a password were sent. */
  hasLogin: boolean
}

/** The proxy answered `CONNECT`, but did not connect (RFC 9110, section 9.3.6). */
export function proxyRefused({ proxy, target, status, hasLogin }: ProxyRefusal): CodexError {
  const host = target.replace(/:443$/, '')
  const refused = (message: string, hint: string, retryable = false) =>
    new CodexError('NETWORK', message, { hint, retryable })
  if (status === 407) {
    return refused(
      hasLogin
        ? `The proxy ${proxy} does not accept the user name and password in its address (407).`
        : `The proxy ${proxy} wants a user name and a password (407).`,
      'Write them into HTTPS_PROXY in the environment of the server: http://name:password@host:port, special characters percent-encoded. Where the proxy takes only NTLM or Kerberos, run a local one in front of it, such as px or cntlm.',
    )
  }
  if ([502, 503, 504].includes(status)) {
    return refused(`The proxy ${proxy} could not reach ${host} (${status}).`, 'Try again in a minute.', true)
  }
  if ([400, 404, 405, 501].includes(status)) {
    return refused(`What answers at ${proxy} is not a proxy that can reach ${host} (${status}).`, PROXY_ADDRESS)
  }
  return refused(
    `The proxy ${proxy} does not allow connections to ${host} (${status}).`,
    'Ask whoever runs it to allow auth.openai.com and chatgpt.com (with an API key: api.openai.com).',
  )
}
