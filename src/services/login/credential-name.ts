import { API_ASKING, type AskingRoute, CODEX_ASKING } from '../codex/asking-route.ts'
import { PLAN_ASKING } from '../plan/plan-asking.ts'
import { USING_PLAN } from '../plan/plan-words.ts'

/** What a credential is called and what it costs, without the credential: for the footer, the status, the list of models. */
export interface CredentialName {
  kind: 'chatgpt' | 'chatgpt_plan' | 'api_key' | 'access_token'
  /** `account`, `stored_api_key`, or the variable it came from. */
  source: string
  /** What it is, to stand behind an article. */
  what: string
  /** Who has it, to stand behind "this". */
  holder: 'account' | 'key'
  /** Who pays for a question, in words. */
  cost: string
  /** All of that in one phrase. */
  label: string
  /** What to do when the service does not accept it. */
  remedy: string
  /** How one asks with it. */
  asking: AskingRoute
  /** What has to stand where one sees or chooses what pays. */
  usage?: string
}

/** What stands in `source` for what is stored; everything else is the name of a variable. */
export const ACCOUNT = 'account'
export const STORED_KEY = 'stored_api_key'

const PER_TOKEN = 'billed per token'
const REPLACE = 'Replace it in the environment of the server and restart the server, or sign in with codex_login.'

export function accountName(plan: string | undefined): CredentialName {
  const cost = planWords(plan)
  const remedy = 'Sign in again: codex_login with force: true.'
  return {
    kind: 'chatgpt',
    source: ACCOUNT,
    what: 'sign-in',
    holder: 'account',
    cost,
    label: cost,
    remedy,
    asking: CODEX_ASKING,
  }
}

/** Which plan it is, tokens for plan usage do not say. */
export function planName(): CredentialName {
  const cost = 'ChatGPT plan usage'
  return {
    kind: 'chatgpt_plan',
    source: ACCOUNT,
    what: 'sign-in',
    holder: 'account',
    cost,
    label: cost,
    remedy: 'Sign in again: codex_login with route "plan" and force: true.',
    asking: PLAN_ASKING,
    usage: USING_PLAN,
  }
}

/** `source` is `STORED_KEY` or a variable. */
export function apiKeyName(source: string): CredentialName {
  const what = source === STORED_KEY ? 'stored API key' : `API key from ${source}`
  const remedy =
    source === STORED_KEY
      ? 'Store another with `codex-oauth-mcp login --with-api-key`, or sign in with codex_login.'
      : REPLACE
  const label = `${what}, ${PER_TOKEN}`
  return { kind: 'api_key', source, what, holder: 'key', cost: PER_TOKEN, label, remedy, asking: API_ASKING }
}

export function accessTokenName(source: string, plan: string | undefined): CredentialName {
  const what = `access token from ${source}`
  const cost = planWords(plan)
  const label = `${what}, ${cost}`
  return { kind: 'access_token', source, what, holder: 'account', cost, label, remedy: REPLACE, asking: CODEX_ASKING }
}

function planWords(plan: string | undefined): string {
  return `ChatGPT ${plan ?? 'unknown'} plan`
}
