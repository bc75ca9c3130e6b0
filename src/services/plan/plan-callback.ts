import { CodexError } from '../../errors.ts'
import { judgeCallback, type Verdict } from '../sign-in/callback-judge.ts'
import { isIssuedClient } from './plan-client.ts'

export interface ExpectedCallback {
  state: string
  issuer: string
  /** The client the request was made as; undefined when it asked for a registration. */
  clientId: string | undefined
}

/**
 * Judges the raw query of a callback (facts: plan-usage 2.4), `state` first as ever. A registration brings the id that
 * was issued; a later sign-in may name it or not. An answer to us with any other one is of no use to anybody.
 * `iss` is not documented; one that is there has to be right (facts: plan-usage 9).
 */
export function judgePlanCallback(query: string, { state, issuer, clientId }: ExpectedCallback): Verdict {
  const parameters = new URLSearchParams(query)
  const names = [...parameters.keys()]
  if (new Set(names).size < names.length) return { kind: 'ignore' }
  const verdict = judgeCallback(query, { state, issuer })
  if (verdict.kind !== 'code') return verdict
  // One without a value counts as left out (RFC 6749, section 3.1).
  const named = parameters.get('client_id') || undefined
  if (clientId !== undefined) {
    const isSame = named === undefined || named === clientId
    return isSame ? { ...verdict, clientId } : { kind: 'unusable', error: ofAnother() }
  }
  return named !== undefined && isIssuedClient(named)
    ? { ...verdict, clientId: named }
    : { kind: 'unusable', error: unregistered() }
}

function ofAnother(): CodexError {
  return new CodexError(
    'LOGIN_DENIED',
    'The sign-in came back for another registration than the one of this machine.',
    {
      hint: 'Nothing has changed. Start again with codex_login with route "plan".',
    },
  )
}

function unregistered(): CodexError {
  return new CodexError('LOGIN_DENIED', 'The sign-in service has not registered this program.', {
    hint: 'Start again with codex_login with route "plan".',
  })
}
