export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>

export interface Log {
  /** One line with an event name and flat fields. Never a header, body, code, state, token, prompt or answer. */
  event(name: string, fields?: LogFields): void
}

/** A log that writes `codex-oauth <event> key=value …` lines, or nothing when it is not enabled. */
export function createLog({ write, enabled }: { write: (line: string) => void; enabled: boolean }): Log {
  return {
    event(name, fields = {}) {
      if (enabled) write(redact(`codex-oauth ${[name, ...pairs(fields)].join(' ')}`))
    },
  }
}

function pairs(fields: LogFields): string[] {
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${typeof value === 'string' ? JSON.stringify(value) : value}`)
}

const HIDDEN = '[hidden]'
const NAMED_SECRET =
  /("?(?:access_token|refresh_token|id_token|code_verifier|code_challenge|api_key|authorization|code|state|token)"?\s*[:=]\s*"?)(?:(?:Basic|Bearer)\s+)?[^\s"&,}]+/gi

/** What is made at random for one sign-in, 32 bytes in base64url: state, nonce, verifier. No word is so long by chance. */
const RANDOM = /(?<![\w-])(?=[\w-]*[A-Z])(?=[\w-]*[a-z])[\w-]{43}(?![\w-])/g

/**
 * `text` on one line without anything that looks like a credential. A second wall behind the rule that secrets
 * are not put into texts at all: error messages of libraries may quote headers and URLs.
 */
export function redact(text: string): string {
  return text
    .replace(/[\r\n]+/g, ' ')
    .replace(/\bBearer\s+[^\s"]+/gi, `Bearer ${HIDDEN}`)
    .replace(/\beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?/g, HIDDEN)
    .replace(/\b(?:rt|ac|sk|sess)[-_.][\w.-]{6,}/g, HIDDEN)
    .replace(NAMED_SECRET, `$1${HIDDEN}`)
    .replace(RANDOM, HIDDEN)
}
