/**
 * What a review has to look like, as `output_schema` of a question. Every object is closed and every property required,
 * which is what strict outputs ask for; what may be missing is null (facts: wire-protocol 10).
 */
export const VERDICT_SCHEMA = {
  type: 'object',
  properties: {
    verdict: { type: 'string', enum: ['approve', 'changes_wanted', 'unsure'] },
    summary: { type: 'string', description: 'The verdict in one sentence, with its main reason' },
    findings: {
      type: 'array',
      description: 'Most severe first; empty if there are none',
      items: {
        type: 'object',
        properties: {
          severity: { type: 'string', enum: ['blocker', 'major', 'minor', 'nit'] },
          file: { type: 'string', description: 'Path as in the diff' },
          line: { type: ['integer', 'null'], description: 'In the new version; null if it is about no single line' },
          claim: { type: 'string', description: 'What is wrong and what follows from it, in one or two sentences' },
          evidence: { type: 'string', description: 'The code that shows it, quoted, or the steps that lead to it' },
        },
        required: ['severity', 'file', 'line', 'claim', 'evidence'],
        additionalProperties: false,
      },
    },
  },
  required: ['verdict', 'summary', 'findings'],
  additionalProperties: false,
} as const
