export interface DetachedOptions {
  /** What it reads: the only way in for a secret, because arguments and environment can be seen by others. */
  input: string
}

/** The longest line that is read of it. */
const MAX_CHARACTERS = 1_048_576

/**
 * Starts a program that lives on when this process ends or is killed, also with all of its process group. Resolves to the
 * first line it writes; undefined when it ends without one, or cannot be started. Never rejects.
 */
export function startDetached(
  file: string,
  args: readonly string[],
  { input }: DetachedOptions,
): Promise<string | undefined> {
  // Loaded here, because at the top it would cost every start.
  const { spawn } = process.getBuiltinModule('node:child_process')
  return new Promise((resolve) => {
    try {
      // Not our standard error: whoever waits for its end would wait for this program too.
      const child = spawn(file, args, { detached: true, windowsHide: true, stdio: ['pipe', 'pipe', 'ignore'] })
      let text = ''
      child.once('error', () => resolve(undefined))
      child.once('close', () => resolve(undefined))
      child.stdout.setEncoding('utf8').on('data', (piece: string) => {
        text += piece
        const end = text.indexOf('\n')
        if (end === -1 && text.length <= MAX_CHARACTERS) return
        resolve(end === -1 ? undefined : text.slice(0, end))
        // From here on it keeps nobody from ending.
        child.stdout.destroy()
        child.unref()
      })
      // One that does not read is judged by how it ends.
      child.stdin.on('error', () => {})
      child.stdin.end(input)
    } catch {
      // Node throws some of what stands in the way of a start.
      resolve(undefined)
    }
  })
}
