import { parseJson } from '../codex/remote-text.ts'

export type FoundJson = { json: string } | { problem: string }

/**
 * The one JSON value of an answer, as it was written: the whole text, or what stands in its only code fence with JSON, or
 * its only JSON object among other words. What is broken is not looked into: a part of a value is another value.
 */
export function findJson(text: string): FoundJson {
  const whole = text.trim()
  if (isJson(whole)) return { json: whole }
  const fenced = fences(whole).filter(isJson)
  const found = fenced.length > 0 ? fenced : objectsIn(whole).filter(isJson)
  const [json] = found
  if (json === undefined) return { problem: 'The answer is not JSON.' }
  return found.length === 1 ? { json } : { problem: 'The answer holds more than one JSON value.' }
}

function isJson(text: string): boolean {
  return parseJson(text) !== undefined
}

function fences(text: string): string[] {
  const blocks = text.matchAll(/^[ \t]*```[\w-]*[ \t]*\r?\n([\s\S]*?)\r?\n[ \t]*```[ \t]*$/gm)
  return [...blocks].map(([, inside = '']) => inside.trim())
}

/** Whatever stands in braces, outermost only; one that is never closed ends the search. */
function objectsIn(text: string): string[] {
  const found: string[] = []
  let start = text.indexOf('{')
  while (start !== -1) {
    const end = endOfObject(text, start)
    if (end === undefined) break
    found.push(text.slice(start, end))
    start = text.indexOf('{', end)
  }
  return found
}

/** Behind the brace that closes the one at `start`; those in strings do not count. */
function endOfObject(text: string, start: number): number | undefined {
  const tokens = /"(?:[^"\\]|\\.)*"|[{}]/gs
  tokens.lastIndex = start
  let open = 0
  for (let token = tokens.exec(text); token !== null; token = tokens.exec(text)) {
    if (token[0] === '{') open += 1
    if (token[0] === '}') open -= 1
    if (open === 0) return tokens.lastIndex
  }
  return undefined
}
