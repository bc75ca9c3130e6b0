/** A source file as the architecture rules look at it. */
export interface Source {
  /** The program without comments; each text stands as its number in quotation marks. */
  code: string
  imports: Import[]
}

export interface Import {
  /** As written; undefined when it is computed and nobody can tell. */
  from: string | undefined
  /** The names that are there at run time; empty for types, and for a whole module. */
  names: string[]
  typeOnly: boolean
}

/** Reads TypeScript as this project writes it, far enough to tell what it imports and which words it uses. */
export function readSource(text: string): Source {
  const { code, texts } = withoutTexts(text)
  return { code, imports: importsIn(code, texts) }
}

/** The texts of a program, those that `+` puts together as one; what stands in `${}` is left out. */
export function textsOf(text: string): string[] {
  const { code, texts } = withoutTexts(text)
  return [...code.matchAll(/"\d+"(?:\s*\+\s*"\d+")*/g)].map(([sum]) =>
    [...sum.matchAll(/\d+/g)].map(([index]) => texts[Number(index)]).join(''),
  )
}

function importsIn(code: string, texts: readonly string[]): Import[] {
  const textAt = (index: string | undefined) => (index === undefined ? undefined : texts[Number(index)])
  const statements = [...code.matchAll(/\b(?:import|export)\s+(type\s+)?([\w\s{},*$]*?)\s*\bfrom\s*"(\d+)"/g)]
  const bare = [...code.matchAll(/\bimport\s*"(\d+)"/g)]
  const calls = [...code.matchAll(/\b(?:import|require)\s*\(\s*(?:"(\d+)"\s*[,)])?/g)]
  const makers = [...code.matchAll(/\bcreateRequire\b/g)]
  return [
    ...statements.map(([, type, clause = '', index]) => {
      const names = valueNames(clause)
      const typeOnly = type !== undefined || (/^\{.*\}$/s.test(clause) && names.length === 0)
      return { from: textAt(index), names: typeOnly ? [] : names, typeOnly }
    }),
    ...bare.map(([, index]) => ({ from: textAt(index), names: [], typeOnly: false })),
    ...calls.map(([, index]) => ({ from: textAt(index), names: [], typeOnly: false })),
    ...makers.map(() => ({ from: undefined, names: [], typeOnly: false })),
  ]
}

/** `{ a, type B, c as d }` has a and c; a default or a namespace counts as a name of its own. */
function valueNames(clause: string): string[] {
  const names = clause.replace(/[{}]/g, ',').split(',')
  return names
    .map((name) => name.trim())
    .filter((name) => name !== '' && !name.startsWith('type '))
    .map((name) => name.split(/\s/)[0] ?? '')
}

/** Comments go, texts become numbers, patterns become `/./`; what stands in `${}` stays code. */
function withoutTexts(text: string): { code: string; texts: string[] } {
  const texts: string[] = []
  let code = ''
  let at = 0

  const skipTo = (end: string) => {
    const found = text.indexOf(end, at)
    at = found < 0 ? text.length : found
  }
  const put = (content: string) => {
    code += `"${texts.push(content) - 1}"`
  }

  /** Up to the end, or to the brace that closes a `${`. */
  function readCode(isInner: boolean): void {
    for (let depth = 0; at < text.length; ) {
      const char = text[at] ?? ''
      const two = text.slice(at, at + 2)
      if (isInner && char === '}' && depth === 0) return
      if (two === '//') skipTo('\n')
      else if (two === '/*') {
        skipTo('*/')
        at += 2
      } else if (char === "'" || char === '"') readText(char)
      else if (char === '`') readTemplate()
      else if (char === '/' && canBeginPattern(code)) readPattern()
      else {
        depth += char === '{' ? 1 : char === '}' ? -1 : 0
        code += char
        at += 1
      }
    }
  }

  function readText(quote: string): void {
    const start = ++at
    while (at < text.length && text[at] !== quote) at += text[at] === '\\' ? 2 : 1
    put(text.slice(start, at))
    at += 1
  }

  function readTemplate(): void {
    let start = ++at
    while (at < text.length && text[at] !== '`') {
      if (text.slice(at, at + 2) === '${') {
        put(text.slice(start, at))
        code += '+('
        at += 2
        readCode(true)
        code += ')+'
        start = ++at
      } else at += text[at] === '\\' ? 2 : 1
    }
    put(text.slice(start, at))
    at += 1
  }

  function readPattern(): void {
    at += 1
    for (let inClass = false; at < text.length; at += 1) {
      if (text[at] === '\\') at += 1
      else if (text[at] === '[') inClass = true
      else if (text[at] === ']') inClass = false
      else if (text[at] === '/' && !inClass) break
    }
    at += 1
    code += '/./'
  }

  readCode(false)
  return { code, texts }
}

/** After a value a slash divides; after anything else it begins a pattern. */
function canBeginPattern(before: string): boolean {
  const code = before.trimEnd()
  return code === '' || /[(,=:[!&|?{;+\-*%<>~^]$/.test(code) || /\b(?:return|typeof|case|in|of|void|await)$/.test(code)
}
