import type { ToolCall, ToolOutput } from '../tools/tool.ts'
import { type AskOptions, askArguments } from './ask-arguments.ts'
import { type CommandCall, defineCommand, NO_CLIENT } from './command.ts'
import type { Terminal } from './terminal.ts'
import { inCommands, PROGRAM } from './words.ts'

export const ask = defineCommand({
  name: 'ask',
  summary: 'Ask a question and write the answer to standard output',
  options: {
    model: { type: 'string', value: 'ID', summary: 'one of `models`; default: the first' },
    effort: { type: 'string', value: 'WORD', summary: 'how hard to think: low, medium, high, … as `models` lists' },
    system: { type: 'string', value: 'TEXT', summary: 'replaces the default instructions' },
    temperature: {
      type: 'string',
      value: '0..1',
      summary: 'used with an API key only; otherwise ignored, with a note',
    },
    conversation: { type: 'string', value: 'NAME', summary: 'begins or continues the conversation of this name' },
    file: {
      type: 'string',
      value: 'PATTERN',
      repeats: true,
      summary: 'sends files: a path, "src/**/*.ts", "!**/*.test.ts", notes.md:10-80, an image',
    },
    diff: { type: 'string', value: 'WHAT', summary: 'sends git changes: working, staged, or a range like main..HEAD' },
    'web-search': { type: 'boolean', summary: 'lets Codex search the web; the sources go to standard error' },
    schema: { type: 'string', value: 'FILE', summary: 'a JSON Schema; the answer is JSON that follows it' },
    collect: {
      type: 'string',
      value: 'ID',
      summary: 'asks nothing; gets the answer with this id (`status` lists them)',
    },
  },
  words: 'PROMPT|-',
  notes: [
    'Several words are one prompt; - reads it from standard input. With --collect there is none.',
    'Files and changes are those of the current folder. Put patterns into quotation marks, or the shell replaces them.',
    'A terminal shows the answer as it is written; a file or pipe gets it as a whole, and nothing but the answer. With',
    '--schema it always comes as a whole. The model, the cost and all notes go to standard error.',
    'If only a part of the answer came, standard error says why, and the exit code is 1.',
    'Ctrl-C cancels; what has come by then is kept, and the last line says how to get it.',
  ],
  async run(options, call) {
    const { tool, terminal } = call
    const { run, input } = tool('codex_query')
    const args = await askArguments(options, input, call)
    const follow = createFollower(options, call)
    const output = await answerOf((toolCall) => run(args as never, toolCall), follow.call, options, call)
    const texts = 'texts' in output ? output.texts : []
    // Of an answer without any text yet there is only what stands below it.
    const [answer, footer = ''] = texts.length > 1 ? texts : [undefined, ...texts]
    if (answer !== undefined) terminal.write(`${restOf(answer, follow.shown())}\n`)
    sayFooter(footer, terminal)
    return isIncomplete(output) ? 1 : 0
  },
})

/** Shows how it goes, and on a terminal what comes; a cancel finds the id that it goes by. */
function createFollower({ schema, collect }: AskOptions, { terminal, signal, services, whenCancelled }: CommandCall) {
  let shown = ''
  let id = collect === undefined ? undefined : idIn(collect)
  whenCancelled(() => keptWords(id, services.answers))
  const onText = (delta: string) => {
    shown += delta
    terminal.write(delta)
  }
  const call: ToolCall = {
    ...NO_CLIENT,
    signal,
    progress(message) {
      if (shown === '') terminal.progress(message)
    },
    onAnswerId(given) {
      id = given
    },
    // What is not checked yet is not the answer.
    ...(terminal.isLive && schema === undefined ? { onText } : {}),
  }
  return { call, shown: () => shown }
}

/** A tool waits for as long as a client does; whoever has typed a command waits until they press Ctrl-C. */
async function answerOf(
  run: (call: ToolCall) => Promise<ToolOutput>,
  call: ToolCall,
  { collect }: AskOptions,
  { services }: CommandCall,
): Promise<ToolOutput> {
  const isRunning = () => collect !== undefined && services.answers.look(idIn(collect))?.state === 'running'
  let wasRunning = isRunning()
  let output = await run(call)
  while (wasRunning && isIncomplete(output)) {
    wasRunning = isRunning()
    output = await run(call)
  }
  return output
}

function isIncomplete(output: ToolOutput): boolean {
  return 'texts' in output && output.isIncomplete === true
}

/** Of `id@offset`. */
function idIn(collect: string): string {
  return collect.trim().replace(/@.*$/s, '')
}

function keptWords(id: string | undefined, answers: CommandCall['services']['answers']): string | undefined {
  const found = id === undefined ? undefined : answers.look(id)
  if (!found?.isKept || found.characters === 0) return undefined
  return `What came of the answer is kept: \`${PROGRAM} ask --collect ${found.id}\` gets it.`
}

/** What is still to be written. The answer counts, whatever has been seen on the way to it. */
function restOf(answer: string, shown: string): string {
  if (answer.startsWith(shown)) return answer.slice(shown.length)
  return `\n\n---\n\n${answer}`
}

/** Only sentences of ours speak of tools; the names of files and the addresses of sources are left as they are. */
const OUR_LINE = /^(?:INCOMPLETE ANSWER:|Note:|Answer )/

function sayFooter(footer: string, terminal: Terminal): void {
  for (const line of footer.split('\n')) {
    const style = line.startsWith('INCOMPLETE') ? 'yellow' : 'dim'
    terminal.say({ style, text: OUR_LINE.test(line) ? inCommands(line) : line })
  }
}
