/** What is needed of a stream; those of the process have it. */
export interface Output {
  isTTY?: boolean | undefined
  columns?: number | undefined
  write(text: string): unknown
}

export interface Terminal {
  /** Whether a person reads standard output: only then does an answer come bit by bit. */
  isLive: boolean
  /** Text of the result. On a terminal it cannot move the cursor or change a colour, whoever wrote it. */
  write(text: string): void
  /** A line of the result. */
  print(...pieces: readonly Piece[]): void
  /** A line beside the result, on standard error. */
  say(...pieces: readonly Piece[]): void
  /** What is going on, until something else is written. Shown on a terminal only. */
  progress(text: string): void
  /** Leaves the terminal tidy: no progress, the last line ended. */
  tidy(): void
  /** Nothing is written any more. */
  mute(): void
}

/** Text of a line, coloured where colour is wanted. */
export type Piece = string | { style: Style; text: string }
export type Style = keyof typeof STYLES

const STYLES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33 } as const
const ERASE_LINE = '\r\u001b[K'

export interface TerminalDeps {
  stdout: Output
  stderr: Output
  env: Readonly<Record<string, string | undefined>>
}

/** Decides what may be written where. Colour and progress are for terminals that understand them. */
export function createTerminal({ stdout, stderr, env }: TerminalDeps): Terminal {
  const out = createWriter(stdout, env)
  const err = createWriter(stderr, env)
  let progress = ''
  let isLineOpen = false
  let isMuted = false

  function erase(): void {
    if (progress !== '') stderr.write(ERASE_LINE)
    progress = ''
  }

  function tidy(): void {
    if (isMuted) return
    erase()
    if (isLineOpen) stdout.write('\n')
    isLineOpen = false
  }

  return {
    isLive: out.isTerminal,
    write(text) {
      if (isMuted || text === '') return
      erase()
      stdout.write(out.plain(text))
      isLineOpen = out.isTerminal && !text.endsWith('\n')
    },
    print(...pieces) {
      if (isMuted) return
      tidy()
      stdout.write(`${out.line(pieces)}\n`)
    },
    say(...pieces) {
      if (isMuted) return
      tidy()
      stderr.write(`${err.line(pieces)}\n`)
    },
    progress(text) {
      if (isMuted || !err.hasCursor || text === progress) return
      // A line that wraps could not be erased.
      const width = (stderr.columns || 80) - 1
      stderr.write(`${ERASE_LINE}${err.plain(text).replaceAll('\n', ' ').slice(0, width)}`)
      progress = text
    },
    tidy,
    mute() {
      isMuted = true
    },
  }
}

function createWriter(output: Output, env: TerminalDeps['env']) {
  const isTerminal = output.isTTY === true
  const hasCursor = isTerminal && env.TERM !== 'dumb'
  const hasColour = wantsColour(env) ?? hasCursor
  // Into a file or a pipe everything goes as it is.
  const plain = (text: string) => (isTerminal ? withoutControls(text) : text)
  const line = (pieces: readonly Piece[]) =>
    pieces
      .map((piece) => {
        if (typeof piece === 'string') return plain(piece)
        return hasColour ? `\u001b[${STYLES[piece.style]}m${plain(piece.text)}\u001b[0m` : plain(piece.text)
      })
      .join('')
  return { isTerminal, hasCursor, plain, line }
}

/** What the user's variables say, if they say something; FORCE_COLOR counts more, as in Node. */
function wantsColour({ FORCE_COLOR, NO_COLOR }: TerminalDeps['env']): boolean | undefined {
  if (FORCE_COLOR) return FORCE_COLOR !== '0' && FORCE_COLOR !== 'false'
  return NO_COLOR ? false : undefined
}

function withoutControls(text: string): string {
  return text.replace(/(?![\n\t])\p{Cc}/gu, '')
}
