import { type Refusal, sharedRefusal, statusRefusal } from '../codex/refusal.ts'
import { quoteRemote, said } from '../codex/remote-text.ts'
import { MANAGE_USAGE } from './plan-words.ts'

/** What the plan route says beside a code or a status. Text from outside. */
export interface Circumstances {
  words: string | undefined
  /** The field of the request that it is about. */
  param: string | undefined
  /** What OpenAI finds the request by. */
  requestId: string | undefined
}

const OTHER_WAYS =
  'Another way is for the user to choose and never taken by itself: codex_login with route "codex", or an API key.'
const SIGN_IN_ANEW = 'codex_login with route "plan" and force: true'
const REPORT = 'Update codex-oauth; if it is up to date, report this.'

/**
 * What a code of the plan route means (facts: plan-usage 4.2), or one that means the same on every route; undefined for
 * one that nobody knows. A code counts only as a whole: another may contain it and mean something else.
 */
export function planRefusal(code: string, about: Circumstances, waitMs?: number): Refusal | undefined {
  switch (withoutVersion(code)) {
    // Sources differ about Go, and no list of regions is public: OpenAI's answer decides (facts: plan-usage 1.1).
    case 'subscription_sharing_user_not_eligible':
      return {
        code: 'PLAN_REQUIRED',
        message: 'This account cannot ask on its ChatGPT plan: the plan, the workspace or a policy does not allow it.',
        hint: `The Plus and Pro plans can pay; signing in again does not help. ${OTHER_WAYS}`,
      }
    // Known from other programs only (facts: plan-usage 4.2).
    case 'subscription_sharing_client_not_enabled':
      return {
        code: 'PLAN_REQUIRED',
        message: 'OpenAI has not enabled codex-oauth for questions on a ChatGPT plan.',
        hint: OTHER_WAYS,
      }
    case 'chatpass_v2_scope_not_authorized':
    case 'chatpass_v2_invalid_authorization_context':
      return {
        code: 'PLAN_REQUIRED',
        message: 'This sign-in does not cover questions on the ChatGPT plan.',
        hint: `Sign in anew, and allow it there: ${SIGN_IN_ANEW}.`,
      }
    // No reset time comes with it, and a limit of this app says nothing about the plan, nor one model about the others.
    case 'subscription_sharing_usage_limit_exceeded':
      return {
        code: 'USAGE_LIMIT',
        message: 'Usage limit reached: the one of the ChatGPT plan, or the one that is set there for this app.',
        hint: `${MANAGE_USAGE}. OpenAI does not say when it opens again; another model may still answer.`,
      }
    case 'subscription_sharing_usage_unavailable':
      return notNow('OpenAI cannot check the usage of the ChatGPT plan right now')
    case 'subscription_sharing_user_unavailable':
      return notNow('OpenAI cannot look the account up right now')
    case 'subscription_sharing_unsupported_capability':
      return {
        code: 'CODEX_FAILED',
        message: `A part of this request${named(about.param)} is not possible on the ChatGPT plan${said(about.words)}.`,
        hint: `Leave optional arguments out, or name another model. ${REPORT}`,
      }
    // Seen for the effort `none` only, and the page says nothing of efforts (facts: plan-usage 3.2).
    case 'unsupported_value':
      return {
        code: 'INPUT_INVALID',
        message: `The model does not take this value of a field${named(about.param)}${said(about.words)}.`,
        hint: 'See codex_models for what each model takes.',
      }
    case 'subscription_sharing_route_not_supported':
      return {
        code: 'CODEX_FAILED',
        message: `This program asked at a place that the ChatGPT plan does not cover${inRequest(about)}.`,
        hint: REPORT,
      }
    case 'subscription_sharing_invalid_user':
      return {
        code: 'CODEX_FAILED',
        message: `OpenAI did not recognise the user of this sign-in${inRequest(about)}.`,
        hint: beforeSignIn(about),
        retryable: true,
      }
    default:
      return sharedRefusal(code, about.words, waitMs)
  }
}

/** What a status means where no known code says more (facts: plan-usage 4.1). */
export function planStatusRefusal(
  answer: { status: number; headers: Headers; modelId: string; nowMs: number },
  about: Circumstances,
): Refusal {
  switch (answer.status) {
    case 401:
      return {
        code: 'NOT_AUTHENTICATED',
        message: `The service does not accept this sign-in${inRequest(about)}.`,
        hint: beforeSignIn(about),
      }
    case 403:
      return {
        code: 'CODEX_FAILED',
        message: `The service forbids this request (403)${said(about.words)}.`,
        hint: 'A policy says so, for example about the region: neither asking nor signing in again helps.',
      }
    case 503:
      return notNow('The service does not answer questions on the ChatGPT plan right now')
    default:
      return statusRefusal(answer.status, answer, about.words)
  }
}

/** Older names of the same codes, `subscription_sharing_v2_x`, known from other programs only (facts: plan-usage 4.2). */
function withoutVersion(code: string): string {
  return code.replace(/^subscription_sharing_v2_/, 'subscription_sharing_')
}

function notNow(what: string): Refusal {
  return {
    code: 'OVERLOADED',
    message: `${what}; you are still signed in.`,
    hint: 'Ask again in a minute.',
    retryable: true,
  }
}

/** Signing in is only for a login that is certainly gone, which one refused question does not tell. */
function beforeSignIn({ requestId }: Circumstances): string {
  const report = requestId === undefined ? 'report it' : 'report the request id'
  return `Ask again in a minute. If it stays so: ${SIGN_IN_ANEW}, and ${report}.`
}

function named(param: string | undefined): string {
  return param === undefined ? '' : ` (${quoteRemote(param)})`
}

function inRequest({ requestId }: Circumstances): string {
  return requestId === undefined ? '' : ` (request id ${quoteRemote(requestId)})`
}
