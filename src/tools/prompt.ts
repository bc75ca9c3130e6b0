import type * as z from 'zod'
import { once } from '../infrastructure/once.ts'
import { jsonSchema } from './tool.ts'

/** Something a user picks from a menu of the client (MCP, "Prompts"): one message of theirs, written for them. */
export interface Prompt {
  name: string
  title: string
  description: string
  /** Texts and nothing else: the protocol has no other arguments here. */
  input: z.ZodObject
  /** The message, from arguments that `input` has accepted. */
  write(input: never): string
}

/** A prompt whose `write` has the type its schema promises. */
export function definePrompt<Input extends z.ZodObject>(
  prompt: Omit<Prompt, 'input' | 'write'> & { input: () => Input; write(input: z.infer<Input>): string },
): Prompt {
  const inputOf = once(prompt.input)
  return {
    ...prompt,
    get input() {
      return inputOf()
    },
  }
}

/** The prompt as `prompts/list` shows it. */
export function listedPrompt({ name, title, description, input }: Prompt) {
  const { properties, required = [] } = jsonSchema(input, 'input') as {
    properties: Record<string, { description?: string }>
    required?: string[]
  }
  const about = Object.entries(properties).map(([argument, schema]) => ({
    name: argument,
    description: schema.description,
    required: required.includes(argument),
  }))
  return { name, title, description, arguments: about }
}

/** `text` between tags of this name that do not occur in it, so that nothing in it can end them. */
export function enclosed(name: string, text: string): string {
  let longest = -1
  for (const [, line = ''] of text.matchAll(new RegExp(`${name}(_*)`, 'gi'))) longest = Math.max(longest, line.length)
  const tag = `${name}${'_'.repeat(longest + 1)}`
  return `<${tag}>\n${text}\n</${tag}>`
}
