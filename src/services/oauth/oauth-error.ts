import { fieldOf, textField } from '../codex/remote-text.ts'

/** The code of an error answer. The issuer writes it as `error.code`, as `error`, or as `code`. */
export function oauthErrorCode(json: unknown): string | undefined {
  return textField(fieldOf(json, 'error'), 'code') ?? textField(json, 'error') ?? textField(json, 'code')
}
