import { gate, late } from './fake-script.ts'
import type { Field, FieldOptions } from './race-field.ts'
import { type RaceResult, runRace } from './race-result.ts'
import type { RaceServer } from './race-server.ts'

export interface SignOutOptions extends Pick<FieldOptions, 'processes' | 'route'> {
  rounds: number
}

/** Somebody signs out in one window while another one renews and the rest wait. */
export function signOutMeanwhile(options: SignOutOptions): Promise<RaceResult> {
  return runRace('sign-out during a refresh', options, async (field, score) => {
    for (; score.rounds < options.rounds; score.rounds++) {
      const revokedBefore = field.at.revoked().length
      field.signIn()
      const answers = await duringRefresh(field, async (bystander) => {
        const cleared = await bystander.call('codex_clear')
        score.expect(cleared.data?.cleared === true, `codex_clear: ${cleared.text}`)
      })
      const codes = [...answers, ...(await field.ask())].map(({ code }) => code)
      score.expect(
        codes.every((code) => code === 'NOT_AUTHENTICATED'),
        `answers were ${[...new Set(codes)].join()}`,
      )
      score.expect(field.record() === undefined, 'the login came back')
      const revoked = field.at.revoked().slice(revokedBefore)
      const dropped = revoked.filter((token) => token === field.issued.at(-1)?.refreshToken)
      score.expect(dropped.length === 1, `the tokens that came too late were revoked ${dropped.length} times`)
      score.expect(revoked.length === 2, `${revoked.length} revocations instead of 2`)
    }
  })
}

/** Somebody signs in with another account in one window while another one renews and the rest wait. */
export function switchMeanwhile(options: { processes: number; rounds: number }): Promise<RaceResult> {
  const env = { CODEX_OAUTH_LOGIN_WAIT_MS: '1' }
  return runRace('account switch during a refresh', { ...options, env }, async (field, score) => {
    for (; score.rounds < options.rounds; score.rounds++) {
      const { revocations } = field.fake.seen
      const revokedBefore = revocations.length
      const account = `acct-fake-other-${score.rounds}`
      field.fake.signInAs({ accountId: 'acct-fake-0001' })
      field.signIn()
      const answers = await duringRefresh(field, async (bystander) => {
        const login = await bystander.call('codex_login', { force: true })
        field.fake.signInAs({ accountId: account })
        const page = await field.fake.browser(login.data?.url ?? '')
        score.expect(page.status === 200, `the sign-in ended with ${page.status}`)
      })
      const stored = field.record()
      score.expect(stored?.account_id === account, `${stored?.account_id} is signed in instead of ${account}`)
      // Who was slow to look has seen the new account only; nobody may have asked with the old one.
      const codes = new Set(answers.map(({ code }) => code))
      score.expect(codes.has('ACCOUNT_CHANGED'), `answers were ${[...codes].join()}`)
      codes.delete('ACCOUNT_CHANGED')
      codes.delete(undefined)
      score.expect(codes.size === 0, `answers were ${[...codes].join()}`)
      const late = field.issued.at(-1)?.refreshToken
      const dropped = revocations.slice(revokedBefore).filter(({ token }) => token === late)
      score.expect(dropped.length === 1, `the tokens that came too late were revoked ${dropped.length} times`)
      score.expectAnswers(await field.ask(), 'with the new account')
      score.expect(
        field.record()?.refresh_token === stored?.refresh_token,
        'the record of the new account was replaced',
      )
    }
  })
}

/** Lets all servers but one want a refresh, holds its answer while `act` runs with that one, and gives all answers. */
async function duringRefresh(field: Field, act: (bystander: RaceServer) => Promise<void>) {
  const [bystander, ...others] = field.servers
  if (bystander === undefined) throw new Error('a race needs a server')
  const answer = gate()
  field.answerRefreshes(late(answer.promise))
  field.expire()
  const request = field.nextTokenRequest()
  const asked = field.ask(others)
  await request
  await act(bystander)
  answer.open()
  return asked
}
