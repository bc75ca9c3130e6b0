/** A block of a message that was sent, as a model that keeps to the head of the message reads it. */
export interface SentBlock {
  kind: string
  name: string
  /** What stands behind the name, without parentheses. */
  remark: string
  /** The text, without line numbers. */
  text: string
}

/** Reads the blocks in the text of a message by the one word that the head of it names. */
export function blocksIn(message: string): SentBlock[] {
  const [, word = 'no word'] =
    /^Files of the user's project follow\. Each begins with a line "<<<(\w+) \.\.\."/.exec(message) ?? []
  const begin = new RegExp(`^<<<${word} (file|diff|image) ("(?:[^"\\\\]|\\\\.)*")(?: \\((.*)\\))?$`)
  const blocks: SentBlock[] = []
  let open: { block: SentBlock; lines: string[] } | undefined
  for (const line of message.split('\n')) {
    const [, kind = '', name, remark = ''] = begin.exec(line) ?? []
    if (line === `<<<${word} end` && open !== undefined) {
      blocks.push({ ...open.block, text: open.lines.join('\n') })
      open = undefined
    } else if (name !== undefined && open === undefined) {
      open = { block: { kind, name: JSON.parse(name), remark, text: '' }, lines: [] }
    } else if (open !== undefined) {
      open.lines.push(open.block.kind === 'file' ? line.replace(/^\d+\| /, '') : line)
    }
  }
  return blocks
}
