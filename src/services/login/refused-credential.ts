import type { Refusal } from '../codex/refusal.ts'
import { said } from '../codex/remote-text.ts'
import type { CredentialName } from './credential-name.ts'

/** A key that was made for other things than asking models; the service says what it lacks. */
export function missingScope(words: string | undefined, credential: CredentialName): Refusal | undefined {
  const [, scopes] = /missing scopes?: ([\w. ,]{1,200})/i.exec(words ?? '') ?? []
  const { permissionsPage } = credential.asking
  if (scopes === undefined || permissionsPage === undefined) return undefined
  return {
    code: 'NOT_AUTHENTICATED',
    message: `The ${credential.what} may not ask models: it lacks ${scopes.trim().replace(/\.$/, '')}.`,
    hint: `Give it that permission at ${permissionsPage}, or use another key.`,
  }
}

/** Refused with 401, and there was nothing to renew, or that did not help. */
export function notAccepted(credential: CredentialName): Refusal {
  const message = `The service does not accept this ${credential.what}.`
  return { code: 'NOT_AUTHENTICATED', message, hint: credential.remedy }
}

/** Refused with 403. */
export function forbidden(words: string | undefined, { asking: { permissionsPage } }: CredentialName): Refusal {
  return {
    code: 'CODEX_FAILED',
    message: `The service forbids this request (403)${said(words)}.`,
    hint:
      permissionsPage === undefined
        ? 'Sign in again (codex_login with force: true); in a company workspace, ask its administrator whether Codex is allowed.'
        : `Check what the key and its project may do at ${permissionsPage}.`,
  }
}
