import { isAbsolute } from 'node:path'

/** Each takes the trimmed text of a variable and gives its value, or throws what is wrong with it. */

export function absolutePath(value: string): string {
  if (!isAbsolute(value)) throw new Error('must be an absolute path')
  return value
}

/** https, or http to a loopback host; without credentials, query and trailing slash. */
export function serviceUrl(value: string): string {
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

/** Not where other tokens belong: those of the Codex login are for its backend (facts: plan-usage 1.4). */
export function codexUrl(value: string): string {
  const url = serviceUrl(value)
  if (/^api\.openai\.com\.?$/.test(new URL(url).hostname)) throw new Error('must not be at api.openai.com')
  return url
}

/** The one service that tokens for plan usage are for, or a test on this machine (facts: plan-usage 1.4). */
export function planUrl(value: string): string {
  const url = serviceUrl(value)
  const { protocol, host } = new URL(url)
  if (protocol === 'https:' && host !== 'api.openai.com') throw new Error('must be at api.openai.com')
  return url
}

export function routeName(value: string): 'codex' | 'plan' {
  if (value !== 'codex' && value !== 'plan') throw new Error('must be codex or plan')
  return value
}

export function port(value: string): number {
  const number = Number(value)
  if (!/^\d+$/.test(value) || !isPort(number)) throw new Error('must be one port number')
  return number
}

export function portList(value: string): number[] {
  const ports = value.split(',').map((part) => Number(part.trim()))
  if (!ports.every(isPort)) throw new Error('must be port numbers separated by commas, like 1455,1457')
  return ports
}

function isPort(number: number): boolean {
  return Number.isInteger(number) && number > 0 && number < 65_536
}

export function redirectHost(value: string): 'localhost' | '127.0.0.1' {
  if (value !== 'localhost' && value !== '127.0.0.1') throw new Error('must be localhost or 127.0.0.1')
  return value
}

export function milliseconds(value: string): number {
  const number = Number(value)
  // setTimeout wraps around above 2^31-1 and would fire at once.
  if (!Number.isInteger(number) || number < 1 || number > 2_147_483_647) {
    throw new Error('must be a whole number of milliseconds')
  }
  return number
}

export function version(value: string): string {
  if (!/^\d+\.\d+\.\d+[\w.+-]*$/.test(value)) throw new Error('must be a version like 0.169.0')
  return value
}

/** What goes into a header or a query must not be able to leave it. */
export function headerWord(value: string): string {
  if (!/^[\w.:/+@-]{1,200}$/.test(value)) throw new Error('may hold only letters, digits and . _ - : / + @')
  return value
}

/**
 * A credential that can stand in a header, but for one that begins like the other kind: it would go to a service it is
 * not for. `what` names it for the error; the value itself is never shown.
 */
export function secretWord(what: string, maxLength: number, otherKind: RegExp): (value: string) => string {
  return (value) => {
    if (value.length > maxLength || !/^[!-~]+$/.test(value) || otherKind.test(value)) throw new Error(`is not ${what}`)
    return value
  }
}

export function variableName(value: string): string {
  if (!/^[A-Za-z_]\w{0,99}$/.test(value)) throw new Error('must be the name of an environment variable')
  return value
}

export function storeKind(value: string): 'file' | 'encrypted' | 'keychain' {
  if (value !== 'file' && value !== 'encrypted' && value !== 'keychain') {
    throw new Error('must be file, encrypted or keychain')
  }
  return value
}

/** `http://` is understood where the scheme is missing, as other programs have it. */
export function proxyUrl(value: string): string {
  let url: URL
  try {
    url = new URL(/^[a-z][\w+.-]*:\/\//i.test(value) ? value : `http://${value}`)
  } catch {
    // The value itself stays out of the text: it may carry a password.
    throw new Error('is not the address of a proxy')
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new Error('must be an http or https proxy (SOCKS is not supported)')
  }
  if (!isDecodable(url.username + url.password)) {
    throw new Error('has a user name or password with a bare % sign (write it as %25)')
  }
  return url.href
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}

export function onOrOff(value: string): boolean {
  if (/^(?:1|true|yes|on)$/i.test(value)) return true
  if (/^(?:0|false|no|off)$/i.test(value)) return false
  throw new Error('must be 1 or 0')
}

export function isOn(value: string | undefined): boolean {
  return value !== undefined && !['0', 'false', 'no', 'off'].includes(value.toLowerCase())
}
