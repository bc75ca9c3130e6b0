/** The parsed JSON, or undefined when it is none: what the parser says quotes the text, and that is nobody's business. */
export function parseJsonText(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
