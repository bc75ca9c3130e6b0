import { expect, test } from 'vitest'
import { pageCharactersOf } from '../../src/tools/page-size.ts'
import { sdkClient, told, toolThatTells } from '../support/sdk-client.ts'

test.each([
  ['claude-code', 400_000],
  ['codex-mcp-client', 10_000],
  ['codex-mcp-client (VS Code)', 10_000],
  ['claude-ai', 80_000],
  ['Claude-Code-lookalike', 80_000],
  ['', 80_000],
  [undefined, 80_000],
])('client %j takes %i characters', (name, characters) => {
  expect(pageCharactersOf(name)).toBe(characters)
})

test.each([
  ['claude-code', 400_000],
  ['codex-mcp-client', 10_000],
  ['cursor-vscode', 80_000],
])('a tool called by %s is told so', async (name, characters) => {
  const client = await sdkClient([toolThatTells(({ pageCharacters }) => pageCharacters)], { name })
  expect(await told(client)).toBe(characters)
})
