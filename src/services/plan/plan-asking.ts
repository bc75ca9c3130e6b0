import { type AskingRoute, SEARCH_TOOL } from '../codex/asking-route.ts'
import { readPlanModels } from '../models/model-list.ts'
import { USAGE_PAGE } from '../usage/usage-limit.ts'
import { planFailureOf, planRefusalOf } from './plan-failure.ts'
import { buildPlanRequest } from './plan-request.ts'
import { MANAGE_USAGE } from './plan-words.ts'

/** The public Responses endpoint, paid by a plan (facts: plan-usage 3, 4). */
export const PLAN_ASKING: AskingRoute = {
  // With a version of the Codex client it lists newer models, and that query is not documented: a model that is not
  // listed can be named all the same (facts: plan-usage 3.1, 9).
  modelsQuery: () => '',
  readModels: readPlanModels,
  buildRequest: (facts) => buildPlanRequest({ ...facts, searchTool: SEARCH_TOOL }),
  hasForms: false,
  hasLevels: false,
  permissionsPage: undefined,
  // A limit of the plan does not pass in a moment, and nobody has documented another one.
  isFinal: () => true,
  // A good stream has no content type, and another one is an error (facts: plan-usage 3.3).
  isStream: (headers) => /^(text\/event-stream *(;.*)?)?$/i.test(headers.get('content-type') ?? ''),
  refusalOf: planRefusalOf,
  failureOf: planFailureOf,
  // Programs are not told it, and the token goes to no other place to find out (facts: plan-usage 4.4).
  tellsUsage: false,
  usageUrl: () => undefined,
  usageElsewhere: {
    message: `OpenAI lets no program ask how much of a plan is used with this sign-in. ${MANAGE_USAGE}`,
    manage: USAGE_PAGE,
  },
}
