import { type Schema, Validator } from '@cfworker/json-schema'
import { expect, test } from 'vitest'
import { VERDICT_SCHEMA } from '../../src/tools/verdict-schema.ts'
import { schemaProblems } from '../support/json-schema.ts'
import { strictProblems } from '../support/strict-schema.ts'

const validator = new Validator(VERDICT_SCHEMA as unknown as Schema, '2020-12', false)
const isValid = (verdict: unknown) => validator.validate(verdict).valid

const finding = {
  severity: 'major',
  file: 'src/a.ts',
  line: 12,
  claim: 'The file is closed before it is read.',
  evidence: '`close()` in line 10, `read()` in line 12',
}
const verdict = { verdict: 'changes_wanted', summary: 'One file is read after it is closed.', findings: [finding] }

test('it is JSON Schema, and strict outputs take it', () => {
  expect(schemaProblems(VERDICT_SCHEMA)).toEqual([])
  expect(strictProblems(VERDICT_SCHEMA)).toEqual([])
})

test('the check of strictness finds what is wrong', () => {
  const properties = { a: { type: ['string', 'null'], minLength: 1 }, b: { type: 'array', items: { type: 'object' } } }
  expect(strictProblems({ type: 'object', properties, required: ['a'], additionalProperties: true })).toEqual([
    '# is open',
    '# does not require b',
    '#/a/minLength is not taken',
    '#/b/items is open',
  ])
  expect(strictProblems({ anyOf: [{}] })).toEqual(['# is no object', '#/anyOf/0 has no type'])
})

test.each([
  ['a verdict with a finding', verdict],
  ['one about no single line', { ...verdict, findings: [{ ...finding, line: null }] }],
  ['one without findings', { ...verdict, verdict: 'approve', findings: [] }],
])('%s fits', (_, sample) => {
  expect(isValid(sample)).toBe(true)
})

const { evidence: _evidence, ...withoutEvidence } = finding
test.each([
  ['another verdict', { ...verdict, verdict: 'LGTM' }],
  ['another severity', { ...verdict, findings: [{ ...finding, severity: 'critical' }] }],
  ['a line that is a text', { ...verdict, findings: [{ ...finding, line: '12' }] }],
  ['a finding without evidence', { ...verdict, findings: [withoutEvidence] }],
  ['a field of its own', { ...verdict, score: 7 }],
  ['no summary', { verdict: 'approve', findings: [] }],
])('%s does not fit', (_, sample) => {
  expect(isValid(sample)).toBe(false)
})
