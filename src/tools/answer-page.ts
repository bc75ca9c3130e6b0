/** As much of a text as a client takes in one result. */
export interface Page {
  /** Where it begins, in characters. */
  start: number
  text: string
  /** Where the next one begins, in characters; undefined behind the last one. */
  next: number | undefined
}

/**
 * The page that begins at `offset`. It ends with a line where one ends near its end; no character is cut in two, and no
 * page is empty before the end.
 */
export function pageOf(text: string, offset: number, size: number): Page {
  const start = isInside(text, offset) ? offset - 1 : offset
  const end = lineEnd(text, start, Math.min(text.length, start + Math.max(2, size)))
  const next = isInside(text, end) ? end - 1 : end
  return { start, text: text.slice(start, next), next: next < text.length ? next : undefined }
}

/** The end of the last line that ends in the last tenth of the page; a line that is longer is cut. */
function lineEnd(text: string, start: number, end: number): number {
  const line = text.lastIndexOf('\n', end - 1) + 1
  return end === text.length || line <= start + 0.9 * (end - start) ? end : line
}

/** Whether a place is between the halves of a character. */
function isInside(text: string, place: number): boolean {
  return /[\ud800-\udbff]/.test(text[place - 1] ?? '') && /[\udc00-\udfff]/.test(text[place] ?? '')
}
