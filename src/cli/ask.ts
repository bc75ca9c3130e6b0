import { whatIsWrong } from '../tools/issue-words.ts'
import { type CommandCall, defineCommand, NO_CLIENT } from './command.ts'
import { wrongUsage } from './words.ts'

/** A million characters, as the tool takes them, may be four million bytes. */
const MAX_PROMPT_BYTES = 4_000_000

const NAMES: Readonly<Record<string, string>> = {
  prompt: 'PROMPT',
  model: '--model',
  system_prompt: '--system',
  temperature: '--temperature',
  reasoning_effort: '--effort',
}

export const ask = defineCommand({
  name: 'ask',
  summary: 'Ask one question and write the answer to standard output',
  options: {
    model: { type: 'string', value: 'ID', summary: 'one of `models`; default: the first' },
    effort: { type: 'string', value: 'WORD', summary: 'how hard to think: low, medium, high, … as `models` lists' },
    system: { type: 'string', value: 'TEXT', summary: 'replaces the default instructions' },
    temperature: { type: 'string', value: '0..1', summary: 'used with an API key only; otherwise ignored, said so' },
  },
  words: 'PROMPT|-',
  notes: [
    'Several words are one prompt; - reads it from standard input.',
    'On a terminal the answer comes as it is written, into a file or a pipe as a whole, and nothing but the answer.',
    'Where it comes from, and what it cost, goes to standard error. Ctrl-C cancels.',
  ],
  async run(options, call) {
    const { tool, terminal, signal } = call
    const { run, input } = tool('codex_query')
    const parsed = input.safeParse({
      prompt: await promptOf(call),
      ...given('model', options.model),
      ...given('reasoning_effort', options.effort),
      ...given('system_prompt', options.system),
      ...given('temperature', numberOf(options.temperature)),
    })
    if (!parsed.success) {
      const wrong = parsed.error.issues.map((issue) => `${NAMES[String(issue.path[0])]}: ${whatIsWrong(issue)}`)
      throw wrongUsage(`${wrong.join('; ')}.`, 'ask')
    }
    let shown = ''
    const output = await run(parsed.data as never, {
      ...NO_CLIENT,
      signal,
      progress(message) {
        if (shown === '') terminal.progress(message)
      },
      ...(terminal.isLive && {
        onText(delta: string) {
          shown += delta
          terminal.write(delta)
        },
      }),
    })
    const [answer = '', footer = ''] = 'texts' in output ? output.texts : []
    terminal.write(`${restOf(answer, shown)}\n`)
    for (const line of footer.split('\n')) terminal.say({ style: 'dim', text: line })
    return 0
  },
})

/** What is still to be written. The answer counts, whatever has been seen on the way to it. */
function restOf(answer: string, shown: string): string {
  if (answer.startsWith(shown)) return answer.slice(shown.length)
  return `\n\n---\n\n${answer}`
}

async function promptOf({ words, terminal, input }: CommandCall): Promise<string> {
  if (words.length === 0) throw wrongUsage('PROMPT is missing; - reads it from standard input.', 'ask')
  if (words.length > 1 || words[0] !== '-') return words.join(' ')
  if (input.isTerminal()) terminal.say('Type the question and end it with Ctrl-D on a line of its own.')
  return input.all(MAX_PROMPT_BYTES)
}

function given(name: string, value: unknown): Record<string, unknown> {
  return value === undefined ? {} : { [name]: value }
}

/** No number at all becomes NaN, which the schema refuses. */
function numberOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  return text.trim() === '' ? Number.NaN : Number(text)
}
