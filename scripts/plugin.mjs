/**
 * The plugin as Claude Code installs it from a marketplace: a folder of plain copies, committed. Claude Code copies the
 * folder it is told, and where it finds a package.json with a lock file it runs `npm ci` there, development packages
 * and all; so it gets one that has neither.
 */
import { chmod, cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** What is in it, by its path in the repository and there. */
export const PLUGIN_PARTS = [
  '.claude-plugin/plugin.json',
  '.mcp.json',
  'commands',
  'skills',
  'dist/main.js',
  'dist/package.json',
  'dist/THIRD-PARTY-NOTICES.txt',
  'LICENSE',
]

export const PLUGIN_README = `# codex-oauth, the plugin

Ask OpenAI's Codex models from Claude Code with the ChatGPT login you already have: \`/codex-config\` signs in, \`/codex\` asks,
\`/codex-review\` has your changes reviewed, \`/codex-clear\` signs out. It needs Node.js 20.19 or newer and nothing else.
Unofficial: not made or endorsed by OpenAI or Anthropic.

This is the folder that Claude Code installs from the marketplace of the repository; everything else about it stands in the
README there. \`npm run build\` writes it: change the files of the same name one folder up instead.
`

/** Writes the folder anew. */
export async function writePlugin(root) {
  const folder = join(root, 'plugin')
  await rm(folder, { recursive: true, force: true })
  for (const part of PLUGIN_PARTS) {
    await mkdir(dirname(join(folder, part)), { recursive: true })
    await cp(join(root, part), join(folder, part), { recursive: true })
  }
  await writeFile(join(folder, 'README.md'), PLUGIN_README)
  await chmod(join(folder, 'dist/main.js'), 0o755)
}
