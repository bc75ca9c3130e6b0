/** A text that arrives in pieces, up to a limit. What is beyond is dropped, so memory does not grow with it. */
export interface GrowingText {
  /**
   * Puts `piece` at a place, in characters from the start; what was there and behind it is gone. A stretch that never
   * came is filled with U+FFFD, so that all that follows stands where it belongs.
   */
  put(from: number, piece: string): void
  readonly length: number
  /** Whether some of it never came. */
  readonly hasGap: boolean
  toString(): string
}

/** In characters: small enough to be joined often, large enough that joining costs nothing. */
const BLOCK = 65_536

export function createGrowingText(limit: number): GrowingText {
  // Adding to one string would keep every piece of it, and tens of bytes of overhead with each.
  let blocks: string[] = []
  let pieces: string[] = []
  let pending = 0
  let length = 0
  let hasGap = false

  const whole = () => blocks.join('') + pieces.join('')

  function keepOnly(characters: number): void {
    blocks = [whole().slice(0, characters)]
    pieces = []
    pending = 0
    length = characters
  }

  function add(piece: string): void {
    const kept = piece.slice(0, limit - length)
    pieces.push(kept)
    length += kept.length
    pending += kept.length
    if (pending < BLOCK) return
    blocks.push(pieces.join(''))
    pieces = []
    pending = 0
  }

  return {
    put(from, piece) {
      if (from < length) keepOnly(from)
      if (from > length && from <= limit) {
        hasGap = true
        add('\uFFFD'.repeat(from - length))
      }
      if (from === length) add(piece)
    },
    get length() {
      return length
    },
    get hasGap() {
      return hasGap
    },
    toString: whole,
  }
}
