import type { Answer } from './fake-script.ts'

/** The service's usual form of a refusal. */
export function detail(text: string, status = 400): Answer {
  return { status, json: { detail: text } }
}

/** The form of the public API, which the backend uses for some refusals. */
export function apiError(status: number, fields: { message: string; param?: string; code?: string }): Answer {
  return { status, json: { error: { type: 'invalid_request_error', param: null, code: null, ...fields } } }
}

/** The public API's words for a value that is none of those it knows. */
export function invalidValue(param: string, value: unknown, allowed: readonly string[]): Answer {
  const supported = allowed.map((one) => `'${one}'`).join(', ')
  const message = `Invalid value: '${value}'. Supported values are: ${supported}.`
  return apiError(400, { message, param, code: 'invalid_value' })
}
