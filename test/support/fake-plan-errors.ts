import type { Answer } from './fake-script.ts'

export { detail as admission } from './fake-errors.ts'

/** Every code of the service that comes with a status of its own (facts: plan-usage 4.2). */
export const PLAN_ERROR_STATUS: Readonly<Record<string, number>> = {
  subscription_sharing_user_not_eligible: 403,
  subscription_sharing_usage_limit_exceeded: 429,
  subscription_sharing_usage_unavailable: 503,
  subscription_sharing_unsupported_capability: 400,
  subscription_sharing_route_not_supported: 403,
  subscription_sharing_invalid_user: 401,
  subscription_sharing_user_unavailable: 503,
  chatpass_v2_scope_not_authorized: 403,
  chatpass_v2_invalid_authorization_context: 403,
  unsupported_value: 400,
  unknown_parameter: 400,
  missing_required_parameter: 400,
  model_not_found: 404,
  no_matching_rule: 401,
  subscription_sharing_v2_user_not_eligible: 403,
  subscription_sharing_v2_route_not_supported: 403,
  subscription_sharing_v2_invalid_user: 401,
  subscription_sharing_v2_user_unavailable: 503,
  subscription_sharing_v2_client_not_enabled: 403,
}

export interface PlanErrorFields {
  /** What the code comes with unless told. */
  status?: number
  param?: string
  message?: string
}

/** A refusal in the form of the public API. Without a code the status says it all. */
export function planError(code: string | null, { status, param, message }: PlanErrorFields = {}): Answer {
  return {
    status: status ?? PLAN_ERROR_STATUS[code ?? ''] ?? 400,
    headers: { 'x-request-id': 'req_FAKE_plan_refused' },
    json: {
      error: {
        code,
        message: message ?? `Subscription Sharing: the fake refuses with ${code ?? status}.`,
        param: param ?? null,
        type: 'invalid_request_error',
      },
    },
  }
}

export interface OAuthRefusalFields {
  /** The finer code, in `error_reason`. */
  reason?: string
  description?: string
  /** 400 unless told; 401 for `invalid_client`. */
  status?: number
  /** `'object'`: the code stands in `error.code`, the finer one in its place if there is one. */
  form?: 'string' | 'object'
}

/** A refusal of the token endpoint in one of its forms (facts: plan-usage 2.7). */
export function oauthRefusal(error: string, fields: OAuthRefusalFields = {}): Answer {
  const { reason, description = 'The fake refuses this grant.', form = 'string' } = fields
  const status = fields.status ?? (error === 'invalid_client' ? 401 : 400)
  if (form === 'object') {
    return { status, json: { error: { code: reason ?? error, message: description, param: null, type: error } } }
  }
  return {
    status,
    json: { error, ...(reason !== undefined && { error_reason: reason }), error_description: description },
  }
}
