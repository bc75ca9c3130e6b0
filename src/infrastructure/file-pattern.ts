/** Whether a name relative to the folder of the pattern, with `/`, is meant. */
export type Matcher = (name: string) => boolean

/** True if `text` says more than one name could. */
export function hasWildcards(text: string): boolean {
  return /[*?[\]{}]/.test(text)
}

/**
 * True for a pattern whose stars take no more time than a project can bear: each further one multiplies what a long name
 * costs. What braces cost nobody can tell beforehand: whoever matches sets a limit of time.
 */
export function isSimpleEnough(pattern: string): boolean {
  const segments = pattern.split('/')
  const deep = segments.filter((segment) => segment === '**').length
  const stars = segments.filter((segment) => segment !== '**').map((segment) => segment.split('*').length - 1)
  return pattern.length <= 1000 && deep <= 4 && stars.every((count) => count <= 3)
}

/** What is wrong with one that is not; it goes on after the pattern. */
export const TOO_MANY_WILDCARDS = 'has too many wildcards: use fewer “*”'

/**
 * What a pattern means: `*`, `?`, `[…]`, `{…}` and `**`; everything else is a part of a name, brackets of the round kind too
 * (`app/(shop)/*.tsx`). Names that begin with a dot count like any other.
 */
export async function matcherOf(pattern: string, { ignoreCase = false } = {}): Promise<Matcher> {
  // Loaded here, because at the top it would cost every start.
  const { default: picomatch } = await import('picomatch')
  const plain = pattern.replace(/[()|+]/g, '\\$&').replace(/(?<!\\)\[!/g, '[^')
  // It takes a longer run for a short one, and at the end of a pattern it runs past that, for ever.
  const matches = picomatch(plain.replace(/\\{4,}/g, shortened), {
    dot: true,
    noextglob: true,
    nonegate: true,
    windows: false,
    // A name may have several lines.
    flags: ignoreCase ? 'si' : 's',
  })
  return (name) => matches(name)
}

/** As many backslashes as mean the same. */
function shortened(run: string): string {
  return '\\'.repeat(2 + (run.length % 2))
}

/** A pattern for exactly this name. */
export function literally(name: string): string {
  return name.replace(/[\\*?[\]{}]/g, '\\$&')
}
