import { CodexError } from '../errors.ts'

/** What is needed of standard input; that of the process has it. */
export interface InputStream extends AsyncIterable<unknown> {
  isTTY?: boolean | undefined
  setRawMode?: ((on: boolean) => unknown) | undefined
  on(event: 'data', handler: (chunk: unknown) => void): unknown
  on(event: 'error' | 'end', handler: () => void): unknown
  destroy(): unknown
}

export interface Input {
  /** Whether a person types there. */
  isTerminal(): boolean
  /** Everything up to the end. @throws CodexError INPUT_INVALID over `maxBytes`, or unreadable */
  all(maxBytes: number): Promise<string>
  /** The text of a file that an option names. @throws CodexError INPUT_INVALID over `maxBytes`, or unreadable */
  file(path: string, option: string, maxBytes: number): Promise<string>
  /**
   * One line that does not appear on the screen, without its end; `prompt` is called when it can be typed. Where nobody
   * types, everything up to the end.
   */
  secret(maxBytes: number, prompt: () => void): Promise<string>
  /** Tells every line that is not empty, trimmed, from now on. */
  onLine(tell: (line: string) => void): void
  /** Nothing is read any more; nothing here keeps the process from ending. */
  close(): void
}

const MAX_LINE_CHARACTERS = 65_536
const INTERRUPT = '\u0003'
const END = '\u0004'
const ERASE_ALL = '\u0015'

export interface InputDeps {
  /** Asked for only when something is read: standard input begins to matter with its first use. */
  stdin: () => InputStream
  /** Ctrl-C, which is no signal while the screen is kept from showing what is typed. */
  onInterrupt: () => void
  /** The bytes of a file; whatever is wrong with it shows when they are read. */
  openFile: (path: string) => AsyncIterable<unknown>
}

export function createInput({ stdin, onInterrupt, openFile }: InputDeps): Input {
  let used: InputStream | undefined
  const open = () => {
    used ??= stdin()
    return used
  }

  function hiddenLine(stream: InputStream, maxBytes: number, prompt: () => void): Promise<string> {
    return new Promise((resolve) => {
      let line = ''
      const finish = () => {
        stream.setRawMode?.(false)
        resolve(line)
      }
      const interrupt = () => {
        stream.setRawMode?.(false)
        onInterrupt()
      }
      stream.setRawMode?.(true)
      stream.on('data', (chunk) => {
        for (const key of String(chunk)) {
          if (key === '\r' || key === '\n' || key === END) return finish()
          if (key === INTERRUPT) return interrupt()
          if (key === ERASE_ALL) line = ''
          else if (key === '\u007f' || key === '\b') line = line.slice(0, -1)
          else if (line.length < maxBytes) line += key
        }
      })
      stream.on('end', finish)
      stream.on('error', finish)
      // Not earlier: whoever is quick would see the line appear.
      prompt()
    })
  }

  return {
    isTerminal: () => open().isTTY === true,
    all: (maxBytes) => textOf(open(), 'Standard input', maxBytes),
    file: (path, option, maxBytes) => textOf(openFile(path), `The file of --${option}`, maxBytes),
    secret: (maxBytes, prompt) =>
      open().isTTY === true ? hiddenLine(open(), maxBytes, prompt) : textOf(open(), 'Standard input', maxBytes),
    onLine(tell) {
      const stream = open()
      const decoder = new TextDecoder()
      let rest = ''
      const tellUnlessEmpty = (line: string) => {
        if (line.trim() !== '') tell(line.trim())
      }
      stream.on('data', (chunk) => {
        const lines = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split('\n')
        // What is that long is no line: its end is all that is kept.
        rest = (lines.pop() ?? '').slice(-MAX_LINE_CHARACTERS)
        lines.forEach(tellUnlessEmpty)
      })
      stream.on('end', () => tellUnlessEmpty(rest))
      // Nobody has to write there at all.
      stream.on('error', () => {})
    },
    close: () => void used?.destroy(),
  }
}

/** Everything up to the end. @throws CodexError INPUT_INVALID */
async function textOf(source: AsyncIterable<unknown>, name: string, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of source) {
      const bytes = Buffer.from(chunk as Uint8Array)
      size += bytes.length
      if (size > maxBytes) break
      chunks.push(bytes)
    }
  } catch (cause) {
    throw new CodexError('INPUT_INVALID', `${name} cannot be read.`, { cause })
  }
  if (size <= maxBytes) return new TextDecoder().decode(Buffer.concat(chunks))
  throw new CodexError('INPUT_INVALID', `${name} holds more than ${maxBytes.toLocaleString('en')} bytes.`)
}
