import * as z from 'zod'
import { once } from '../infrastructure/once.ts'
import type { OfferAddress } from '../services/sign-in/sign-in-wait.ts'

/** What a tool is given beside its arguments. */
export interface ToolCall {
  /** Aborted when the client cancels or the server ends. */
  signal: AbortSignal
  /** Once aborted: what the client says about it, if it says anything; a text from outside, not to be shown or logged. */
  cancelReason(): string | undefined
  /** Tells the user what is going on; dropped when the client asked for none. */
  progress(message: string): void
  /** Offers an address in a dialog; absent when the client has none for that. */
  offerAddress?: OfferAddress | undefined
  /** Told the answer bit by bit; absent where only the whole counts. */
  onText?: (delta: string) => void
  /** Told under which id the answer is kept, as soon as it has one; absent where nobody wants to know. */
  onAnswerId?: (id: string) => void
  /** The folders the client works in, as `file:` URIs; empty when it does not say. */
  roots(): Promise<readonly string[]>
  /** How long a text may be in one result before the client cuts it or puts it aside. */
  pageCharacters: number
}

/** Text for the model to read, or data that is sent both as structure and as JSON text. */
export type ToolOutput =
  | { texts: readonly string[]; isIncomplete?: boolean }
  | { structured: Readonly<Record<string, unknown>> }

export interface Tool {
  name: string
  title: string
  description: string
  /** All four hints, said by every tool (MCP, "Tool Annotations"). */
  annotations: { readOnlyHint: boolean; destructiveHint: boolean; idempotentHint: boolean; openWorldHint: boolean }
  input: z.ZodObject
  output?: z.ZodObject | undefined
  /** What hosts read beside the protocol. */
  meta?: Readonly<Record<string, unknown>>
  /** True for a tool that answers even when the configuration is not usable. */
  local?: boolean
  /** Runs with arguments that `input` has accepted. */
  run(input: never, call: ToolCall): Promise<ToolOutput>
}

/** A tool whose `run` has the type its schema promises. Schemas are made when first needed: a server that starts needs none. */
export function defineTool<Input extends z.ZodObject>(
  tool: Omit<Tool, 'input' | 'output' | 'run'> & {
    input: () => Input
    output?: () => z.ZodObject
    run(input: z.infer<Input>, call: ToolCall): Promise<ToolOutput>
  },
): Tool {
  const { input, output, ...rest } = tool
  const [inputOf, outputOf] = [once(input), output && once(output)]
  return {
    ...rest,
    get input() {
      return inputOf()
    },
    get output() {
      return outputOf?.()
    },
  }
}

/** The tool as `tools/list` shows it. */
export function listed({ name, title, description, annotations, input, output, meta }: Tool) {
  return {
    name,
    title,
    description,
    inputSchema: jsonSchema(input, 'input'),
    ...(output === undefined ? {} : { outputSchema: jsonSchema(output, 'output') }),
    annotations: { title, ...annotations },
    ...(meta === undefined ? {} : { _meta: meta }),
  }
}

/** JSON Schema 2020-12, without the dialect line that is the default anyway. */
export function jsonSchema(schema: z.ZodObject, io: 'input' | 'output'): Record<string, unknown> {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { target: 'draft-2020-12', io, override: dropEmpty })
  return rest
}

/** `additionalProperties: {}` says what its absence says too, and some clients stumble over empty schemas. */
function dropEmpty({ jsonSchema }: { jsonSchema: z.core.JSONSchema.BaseSchema }): void {
  const { additionalProperties } = jsonSchema
  if (typeof additionalProperties === 'object' && Object.keys(additionalProperties).length === 0) {
    delete jsonSchema.additionalProperties
  }
}
