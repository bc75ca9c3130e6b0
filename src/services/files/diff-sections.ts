/** The part of a diff that is about one file. */
export interface DiffSection {
  /** Its names before and after; empty when they cannot be read. */
  names: readonly string[]
  text: string
}

/**
 * A diff as `git diff` writes it with the prefixes `a/` and `b/`, cut by files. What stands in a file cannot look like the
 * beginning of a section: git puts a sign before each line of it, and quotes names that would break a line.
 */
export function diffSections(diff: string): readonly DiffSection[] {
  // Only a line feed ends a line here: with the flag `m`, a lone carriage return in a file would do so too.
  return diff
    .split(/(?<=^|\n)(?=diff --git |diff --cc |diff --combined |\* Unmerged path )/)
    .filter((text) => text !== '')
    .map((text) => ({ names: [...new Set(namesIn(text))], text }))
}

/** The section of a file that is new and that git does not know of yet, as git would write it. */
export function newFileSection(name: string, lines: readonly string[], isEnded: boolean): string {
  const [old, fresh] = [quoted(`a/${name}`), quoted(`b/${name}`)]
  const head = [`diff --git ${old} ${fresh}`, 'new file mode 100644']
  if (lines.length === 0) return `${head.join('\n')}\n`
  const count = lines.length === 1 ? '' : `,${lines.length}`
  // Git puts a tab behind a name with blanks, so that others see where it ends.
  const end = name.includes(' ') ? '\t' : ''
  const body = ['--- /dev/null', `+++ ${fresh}${end}`, `@@ -0,0 +1${count} @@`, ...lines.map((line) => `+${line}`)]
  return `${[...head, ...body, ...(isEnded ? [] : ['\\ No newline at end of file'])].join('\n')}\n`
}

function namesIn(section: string): string[] {
  const [first = '', ...lines] = section.split('\n')
  const unmerged = /^\* Unmerged path (.*)$/s.exec(first)?.[1]
  if (unmerged !== undefined) return [unquoted(unmerged)]
  const end = lines.findIndex((line) => /^(?:@@|Binary files |GIT binary patch)/.test(line))
  const header = end === -1 ? lines : lines.slice(0, end)
  const named = header.flatMap(nameInHeader)
  return named.length > 0 ? named : nameInBoth(first)
}

/** `--- a/x`, `+++ b/x`, `rename from x` and the like. */
function nameInHeader(line: string): string[] {
  const moved = /^(?:rename|copy) (?:from|to) (.*)$/s.exec(line)?.[1]
  if (moved !== undefined) return [unquoted(moved)]
  const side = /^(?:---|\+\+\+) (.*?)\t?$/s.exec(line)?.[1]
  if (side === undefined || side === '/dev/null') return []
  return [unquoted(side).replace(/^[ab]\//, '')]
}

/** Where nothing but the mode has changed, or an empty file is new, the first line names the same file twice. */
function nameInBoth(first: string): string[] {
  const combined = /^diff --(?:cc|combined) (.*)$/s.exec(first)?.[1]
  if (combined !== undefined) return [unquoted(combined)]
  const pair = first.slice('diff --git '.length)
  const [old, fresh] = [pair.slice(0, (pair.length - 1) / 2), pair.slice((pair.length + 1) / 2)]
  const [before, after] = [unquoted(old), unquoted(fresh)]
  return before.startsWith('a/') && after === `b/${before.slice(2)}` ? [before.slice(2)] : []
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  t: '\t',
  n: '\n',
  v: '\v',
  f: '\f',
  r: '\r',
  '"': '"',
  '\\': '\\',
}

/** A name as git writes it: in quotation marks, with escapes as in C, if it has odd characters. */
function unquoted(text: string): string {
  if (!/^".*"$/s.test(text)) return text
  return text.slice(1, -1).replace(/\\(?:([0-7]{3})|(.))/gs, (_, octal: string | undefined, letter: string) => {
    return octal === undefined ? (ESCAPES[letter] ?? letter) : String.fromCharCode(Number.parseInt(octal, 8))
  })
}

function quoted(name: string): string {
  if (!/[\p{Cc}"\\]/u.test(name)) return name
  return `"${name.replace(/[\p{Cc}"\\]/gu, escaped)}"`
}

function escaped(character: string): string {
  const letter = Object.entries(ESCAPES).find(([, value]) => value === character)?.[0]
  return `\\${letter ?? character.charCodeAt(0).toString(8).padStart(3, '0')}`
}
