import type { Turn } from '../../src/services/conversations/conversation-turn.ts'

/** A turn of a conversation, as it is kept. */
export function aTurn(prompt: string, changes: Partial<Turn> = {}): Turn {
  return {
    at: 1_790_000_000_000,
    model: 'gpt-6.1-sol',
    owner: 'FAKE-owner',
    prompt,
    input: [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: prompt }] }],
    output: [
      { type: 'reasoning', summary: [], content: null, encrypted_content: 'gAAAA_fake_encrypted' },
      { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: `Answer to ${prompt}` }] },
    ],
    ...changes,
  }
}
