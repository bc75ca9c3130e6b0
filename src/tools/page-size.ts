/**
 * How many characters of text a client takes in one result, by the name it gives itself. None of them says so, and each
 * goes wrong in its own way beyond it (facts: claude-code 8, mcp 1.5).
 */
export function pageCharactersOf(client: string | undefined): number {
  // It puts more than 50,000 into a file, unless the tool says otherwise in its `_meta`, which ends at 500,000; some of
  // that is for the lines below an answer, and for what escaping adds.
  if (client === 'claude-code') return 400_000
  // It cuts at about 12,000, in the middle, and has no setting for it.
  if (client?.startsWith('codex-mcp-client') === true) return 10_000
  // About 20,000 tokens: where others have a limit, it is 25,000.
  return 80_000
}
