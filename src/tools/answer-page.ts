/** As much of a text as a client takes in one result. */
export interface Page {
  /** Where it begins, in characters. */
  start: number
  text: string
  /** Where the next one begins, in characters; undefined behind the last one. */
  next: number | undefined
}

/** The page that begins at `offset`. No character is cut in two, and no page is empty before the end. */
export function pageOf(text: string, offset: number, size: number): Page {
  const start = isInside(text, offset) ? offset - 1 : offset
  const end = Math.min(text.length, start + Math.max(2, size))
  const next = isInside(text, end) ? end - 1 : end
  return { start, text: text.slice(start, next), next: next < text.length ? next : undefined }
}

/** Whether a place is between the halves of a character. */
function isInside(text: string, place: number): boolean {
  return /[\ud800-\udbff]/.test(text[place - 1] ?? '') && /[\udc00-\udfff]/.test(text[place] ?? '')
}
