import type * as z from 'zod'

/** The library's words, but for the everyday cases, where they are hard to read. */
export function whatIsWrong(issue: z.core.$ZodIssue): string {
  if (issue.code === 'too_small' && issue.origin === 'string') return 'must not be empty'
  if (issue.code === 'invalid_type' && issue.message.endsWith('received undefined')) {
    return `is missing, expected ${issue.expected}`
  }
  if (issue.code === 'too_big' && issue.origin === 'string') {
    return `is longer than ${Number(issue.maximum).toLocaleString('en')} characters`
  }
  if (issue.code === 'invalid_type' && issue.expected === 'array') return 'must be a list'
  return issue.message
}
