import type { QueryResult } from '../../src/services/codex/codex-client.ts'

/** An answer as the Codex client gives it. */
export function aResult(changes: Partial<QueryResult> = {}): QueryResult {
  return {
    text: 'The answer.',
    model: 'gpt-x',
    effort: undefined,
    usage: undefined,
    account: 'ChatGPT plan',
    owner: 'FAKE-owner',
    notes: [],
    sources: [],
    limits: undefined,
    message: { type: 'message', role: 'user', content: [] },
    output: [],
    ...changes,
  }
}
