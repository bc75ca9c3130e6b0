import * as z from 'zod'

/** An argument that is a text of at most `max` characters, not empty and without blanks around it, and may be left out. */
export function textArgument(max: number, description: string) {
  return z.string().trim().min(1).max(max).optional().describe(description)
}
