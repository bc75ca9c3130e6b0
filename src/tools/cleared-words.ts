import type { ClearOutcome, EndedLogin } from '../services/login/sign-out.ts'

/** Everything that ended. */
export function endedLogins({ others = [], ...first }: ClearOutcome): readonly EndedLogin[] {
  return first.removed === undefined ? [] : [first, ...others]
}

/** How a sign-out went, in sentences; `nothing` is the one for when there was nothing to end. */
export function clearedWords(outcome: ClearOutcome, nothing = 'Nobody was signed in.'): string {
  const { cancelled, remaining } = outcome
  const ended = endedLogins(outcome)
  const parts = [
    ...(ended.length === 0 ? [nothing] : ended.flatMap((one) => removal(one, ended.length > 1))),
    cancelled ? 'The sign-in that was open is cancelled.' : undefined,
    remaining === undefined ? undefined : `Questions are still answered with the ${remaining.label}.`,
  ]
  return parts.filter((part) => part !== undefined).join(' ')
}

function removal(one: EndedLogin, isOneOfSeveral: boolean): string[] {
  const { removed, revoked, problem, title, unconfirmed = GONE_HERE } = one
  const why = problem === undefined ? [] : [problem]
  if (removed === 'api_key') {
    return [
      'The stored API key is removed from this machine. It stays valid at OpenAI until it is deleted there.',
      ...why,
    ]
  }
  const of = isOneOfSeveral && title !== undefined ? ` of the ${title}` : ''
  const gone = `Signed out${of}; the credentials are removed from this machine.`
  if (revoked) return [gone, 'OpenAI confirmed that they are revoked.', ...why]
  // The problem says itself why they could not be revoked.
  return [gone, ...(problem === undefined ? [unconfirmed] : why)]
}

const GONE_HERE = 'OpenAI did not confirm the revocation; the tokens are gone here and expire by themselves.'
