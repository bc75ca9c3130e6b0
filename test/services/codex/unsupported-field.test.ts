import { expect, test } from 'vitest'
import { unsupportedField } from '../../../src/services/codex/unsupported-field.ts'

const refusal = (param: string | null, message = 'No.', code: string | null = null) => ({
  error: { message, type: 'invalid_request_error', param, code },
})
const unknown = (param: string) => `Unsupported parameter: '${param}' is not supported with this model.`

test.each([
  ['temperature', refusal('temperature', unknown('temperature'), 'unsupported_parameter')],
  ['temperature', refusal('temperature', unknown('temperature'))],
  [
    'temperature',
    refusal('temperature', "Unsupported value: 'temperature' does not support 0.1.", 'unsupported_value'),
  ],
  ['temperature', refusal(null, unknown('temperature'))],
  ['temperature', { detail: 'Unsupported parameter: temperature' }],
  ['reasoning', refusal('reasoning.effort', unknown('reasoning.effort'), 'unsupported_parameter')],
  ['reasoning', refusal('reasoning', unknown('reasoning'))],
  [
    'reasoning.summary',
    refusal('reasoning.summary', 'Your organization must be verified to generate reasoning summaries.'),
  ],
  ['include', refusal('include', 'Encrypted content is not supported with this model.')],
  ['text.verbosity', refusal('text.verbosity', "Unsupported value: 'low' is not supported.", 'unsupported_value')],
  ['text.format', refusal('text.format.schema', 'Invalid schema.', 'invalid_json_schema')],
  ['text', refusal('text', unknown('text'))],
  ['tools', refusal('tools[0].type', "Invalid value: 'web_search'.")],
  ['tools', refusal('input[0].tools', 'No tools.')],
])('%s is recognised in %j', (field, json) => {
  expect(unsupportedField(json)).toBe(field)
})

test.each([
  refusal('reasoning.effort', "Unsupported value: 'max' is not supported with this model.", 'unsupported_value'),
  refusal('input', unknown('input')),
  refusal('temperatures', 'No.'),
  refusal(null, 'You wrote: Unsupported parameter: temperature'),
  { detail: 'No.' },
  { error: 'temperature' },
  'temperature',
  null,
  undefined,
])('nothing to leave out is found in %j', (json) => {
  expect(unsupportedField(json)).toBeUndefined()
})
