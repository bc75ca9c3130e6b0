import { EventEmitter, once } from 'node:events'
import { createReadStream } from 'node:fs'
import { PassThrough } from 'node:stream'
import { onTestFinished } from 'vitest'
import { type CliDeps, runCli } from '../../src/cli/cli.ts'
import { createInput } from '../../src/cli/input.ts'
import { createTerminal } from '../../src/cli/terminal.ts'
import type { Tool, ToolOutput } from '../../src/tools/tool.ts'
import type { FakeOpenAI } from './fake-openai.ts'
import { type StartedApp, type StartOptions, startApp } from './start-app.ts'

/** The command line in this process, over the whole program. */
export interface StartedCli extends StartedApp {
  /** Runs a command to its end; it reads `stdin`, which is empty unless told. */
  run(args: readonly string[], options?: RunOptions & { stdin?: string }): Promise<CliOutcome>
  /** Begins a command; its standard input stays open. */
  begin(args: readonly string[], options?: RunOptions): CliRun
}

export interface RunOptions {
  /** Which of the streams are a terminal; none unless told. */
  terminal?: readonly ('stdin' | 'stdout' | 'stderr')[]
  env?: Record<string, string>
  /** Instead of the program's own. */
  services?: Partial<CliDeps['services']>
  configProblem?: CliDeps['configProblem']
  /** What `codex_query` gives, call by call, instead of its own. */
  query?: ToolOutput[]
}

export interface CliOutcome {
  code: number
  stdout: string
  stderr: string
}

export interface CliRun {
  ended: Promise<CliOutcome>
  /** Resolves to everything written so far as soon as these words are among it. */
  said(words: string): Promise<string>
  type(text: string): void
  endInput(): void
  cancel(): void
  /** Whether what is typed stays off the screen at the moment. */
  isHidden(): boolean
}

export const FACTS = { version: '0.0.0-test', node: 'v20.0.0', platform: 'linux x64' }

export async function startCli(fake: FakeOpenAI, start: StartOptions = {}): Promise<StartedCli> {
  const started = await startApp(fake, start)
  const { services, tools } = started.app

  function begin(args: readonly string[], options: RunOptions = {}): CliRun {
    const { terminal = [], env = {}, configProblem } = options
    let isHidden = false
    const setRawMode = (on: boolean) => {
      isHidden = on
    }
    const stdin = Object.assign(new PassThrough(), { isTTY: terminal.includes('stdin'), setRawMode })
    onTestFinished(() => void stdin.destroy())
    const written = new EventEmitter()
    const texts = { stdout: '', stderr: '' }
    const output = (name: keyof typeof texts) => ({
      isTTY: terminal.includes(name),
      columns: 80,
      write(text: string) {
        texts[name] += text
        written.emit('text')
      },
    })
    const cancel = new AbortController()
    const input = createInput({ stdin: () => stdin, openFile: createReadStream, onInterrupt: () => cancel.abort() })
    const ended = runCli({
      args,
      services: { ...services, ...options.services },
      tools: options.query === undefined ? tools : tools.map((tool) => scripted(tool, options.query ?? [])),
      terminal: createTerminal({ stdout: output('stdout'), stderr: output('stderr'), env }),
      input,
      facts: FACTS,
      configProblem,
      onFault: () => {},
      signal: cancel.signal,
    }).then((code) => {
      input.close()
      return { code, ...texts }
    })
    return {
      ended,
      async said(words) {
        const all = () => texts.stdout + texts.stderr
        while (!all().includes(words)) await once(written, 'text')
        return all()
      },
      type: (text) => void stdin.write(text),
      endInput: () => void stdin.end(),
      cancel: () => cancel.abort(),
      isHidden: () => isHidden,
    }
  }

  return {
    ...started,
    begin,
    run(args, { stdin = '', ...options } = {}) {
      const run = begin(args, options)
      run.type(stdin)
      run.endInput()
      return run.ended
    },
  }
}

function scripted(tool: Tool, outputs: ToolOutput[]): Tool {
  return tool.name === 'codex_query' ? { ...tool, run: async () => outputs.shift() ?? { texts: [] } } : tool
}
