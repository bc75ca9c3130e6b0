import type { ToolCall } from '../../src/tools/tool.ts'

/** What a tool is given by a client that says nothing about itself, and by one that has said this much. */
export function toolCall<const More extends Partial<ToolCall>>(more?: More) {
  return {
    signal: new AbortController().signal,
    cancelReason: () => undefined,
    progress: () => {},
    roots: async () => [],
    pageCharacters: 80_000,
    ...more,
  } satisfies ToolCall
}
