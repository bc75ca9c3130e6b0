import type { AnswerStore } from '../services/answers/answer-store.ts'
import type { ConversationStore } from '../services/conversations/conversation-store.ts'
import type { SignOut } from '../services/login/sign-out.ts'
import type { ListModels } from '../services/models/account-models.ts'
import type { ApiKeySignIn } from '../services/sign-in/api-key-sign-in.ts'
import type { SignIns } from '../services/sign-in/sign-ins.ts'
import type { ReadStatus } from '../services/status/account-status.ts'
import type { Doctor } from '../services/status/doctor.ts'
import type { Tool, ToolCall } from '../tools/tool.ts'
import type { Input } from './input.ts'
import type { Terminal } from './terminal.ts'

/** What a person or a script types: a name, options, words. */
export interface Command {
  name: string
  summary: string
  options: Readonly<Record<string, Option>>
  /** What stands behind the options, for the help; absent where nothing may. */
  words?: string
  /** Sentences for the help. */
  notes?: readonly string[]
  /** True for a command that runs even when the configuration is not usable. */
  local?: boolean
  /** Gives the exit code. @throws CodexError what the services throw; INPUT_INVALID for wrong usage */
  run(options: never, call: CommandCall): Promise<number>
}

export type Option = { summary: string } & (
  | { type: 'boolean' }
  /** One that repeats collects its values; of any other the last one counts. */
  | { type: 'string'; value: string; repeats?: true }
)

/** Flags are true or absent. */
export type OptionValues<Options extends Command['options']> = {
  [Name in keyof Options]?: Options[Name] extends { type: 'boolean' }
    ? true
    : Options[Name] extends { repeats: true }
      ? readonly string[]
      : string
}

/** The same services as the tools have, and the tools themselves, where both say the same. */
export interface CommandServices {
  signIn: Pick<SignIns, 'login' | 'view'>
  readStatus: ReadStatus
  signOut: SignOut
  answers: Pick<AnswerStore, 'list' | 'look'>
  conversations: Pick<ConversationStore, 'list'>
  listModels: ListModels
  storeApiKey: ApiKeySignIn
  doctor: Doctor
  now(): number
}

/** For reports: which program, on what. */
export interface ProgramFacts {
  version: string
  node: string
  platform: string
}

export interface CommandCall {
  words: readonly string[]
  services: CommandServices
  tool(name: string): Tool
  terminal: Terminal
  input: Input
  facts: ProgramFacts
  /** Aborted when the command has to end. */
  signal: AbortSignal
  /** What is asked when it has had to: what can be done about that, in the words of a hint. */
  whenCancelled(hint: () => string | undefined): void
}

/** A command whose `run` gets the options it lists. */
export function defineCommand<const Options extends Command['options']>(
  command: Omit<Command, 'options' | 'run'> & {
    options: Options
    run(options: OptionValues<Options>, call: CommandCall): Promise<number>
  },
): Command {
  return command
}

/** What a tool is told of a client, where there is only a terminal. */
export const NO_CLIENT: Pick<ToolCall, 'cancelReason' | 'roots' | 'pageCharacters'> = {
  cancelReason: () => undefined,
  roots: async () => [],
  pageCharacters: Number.POSITIVE_INFINITY,
}

/** The structure a tool gives, with these arguments if it takes some. */
export async function structureOf(
  name: string,
  { tool, signal }: CommandCall,
  args: Readonly<Record<string, unknown>> = {},
): Promise<Readonly<Record<string, unknown>>> {
  const output = await tool(name).run(args as never, { ...NO_CLIENT, signal, progress: () => {} })
  return 'structured' in output ? output.structured : {}
}
