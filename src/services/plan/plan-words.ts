import { USAGE_PAGE } from '../usage/usage-limit.ts'

/**
 * What OpenAI wants somebody to read whose ChatGPT plan pays (facts: plan-usage 4.3). "Continue with ChatGPT", "Manage
 * usage" and "Using ChatGPT plan" are its words and stay to the letter.
 */

/** What the sign-in is called where one chooses it. */
export const SIGN_IN_LABEL = 'Continue with ChatGPT'

/** For somebody who has no login yet. */
export const DOCUMENTED_WAY =
  'On a Plus or Pro plan, codex_login with route "plan" is the sign-in that OpenAI documents.'

/** The first thing to do about usage, which cannot be read from here (facts: plan-usage 4.4). */
export const MANAGE_USAGE = `Manage usage: ${USAGE_PAGE}`

/** A line for the status and the list of models. */
export const USING_PLAN = `Using ChatGPT plan. ${MANAGE_USAGE}`

/** Where ChatGPT's settings show this program (facts: plan-usage 2.8). */
const IN_SETTINGS =
  'in ChatGPT: Settings → Security and login → Login connections → Sign in with ChatGPT → codex-oauth → Manage connection → ' +
  'Disconnect.'

/** A paragraph for the first sign-in that covers plan usage, and only for that. */
export const PLAN_IN_USE =
  "Your ChatGPT plan is in use: each question asked through codex-oauth counts toward the plan's usage. " +
  `codex-oauth itself charges nothing. ${MANAGE_USAGE}. To disconnect it, ${IN_SETTINGS}`

/** Somebody signed in and did not allow plan usage: the sign-in is kept. */
export const PLAN_OFF = {
  message: 'Signed in, plan usage off.',
  hint: 'To turn it on: codex_login with route "plan", and allow it there.',
}

/** A sign-out whose revocation failed, or got no answer. */
export const REVOCATION_UNCONFIRMED = `OpenAI did not confirm the revocation. To be sure, disconnect codex-oauth ${IN_SETTINGS}`
