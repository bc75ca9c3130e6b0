/**
 * The first name that stands twice in one object of a JSON text, or undefined. A parser takes the last of them in silence,
 * which may not be the one that was meant. The text has to be JSON.
 */
export function repeatedKey(text: string): string | undefined {
  const open: Set<string>[] = []
  for (const [token, name] of text.matchAll(TOKENS)) {
    if (token === '{') open.push(new Set())
    else if (token === '}') open.pop()
    else if (name !== undefined) {
      const key = JSON.parse(name) as string
      if (open.at(-1)?.has(key)) return key
      open.at(-1)?.add(key)
    }
  }
  return undefined
}

/** Braces, names and other strings; what stands in a string is none of these. */
const TOKENS = /[{}]|("[^"\\]*(?:\\.[^"\\]*)*")\s*:|"[^"\\]*(?:\\.[^"\\]*)*"/g
