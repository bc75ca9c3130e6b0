import type { z } from 'zod'

/** The library's words, but for the two everyday cases, where they are hard to read. */
export function whatIsWrong(issue: z.core.$ZodIssue): string {
  if (issue.code === 'too_small' && issue.origin === 'string') return 'must not be empty'
  if (issue.code === 'invalid_type' && issue.message.endsWith('received undefined')) {
    return `is missing, expected ${issue.expected}`
  }
  return issue.message
}
