/** Lines of a file, the first one being 1; without an end, up to the last one. */
export interface LineRange {
  first: number
  last?: number
}

/** What may be one file and lines of it: `notes.md:10`, `notes.md:10-80`, `notes.md:10-`. */
export interface RangedName {
  name: string
  /** Undefined when there can be no such lines. */
  range: LineRange | undefined
}

/** The name and the lines in `entry`, if it ends like that. */
export function rangedName(entry: string): RangedName | undefined {
  const [, name, first, dash, last] = /^(.+):(\d{1,9})(?:(-)(\d{0,9}))?$/s.exec(entry) ?? []
  if (name === undefined) return undefined
  const range = { first: Number(first), ...(dash !== undefined && last === '' ? {} : { last: Number(last ?? first) }) }
  const isPossible = range.first >= 1 && (range.last === undefined || range.last >= range.first)
  return { name, range: isPossible ? range : undefined }
}

/** As it stands behind a name. */
export function rangeSuffix({ first, last }: LineRange): string {
  return first === last ? `:${first}` : `:${first}-${last ?? ''}`
}
