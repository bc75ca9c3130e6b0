import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { blocksIn } from '../support/file-blocks.ts'
import { gitRepo, writeFiles } from '../support/git-repo.ts'
import { wordsOf } from '../support/query-app.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { startWindows, type Windows } from '../support/windows.ts'

const lastBlocks = ({ asked }: Windows) => blocksIn(wordsOf(asked().at(-1)?.items[0]))

test('4. What goes in: files and changes of the repository that the server was started in, in one call', async () => {
  const windows = await startWindows()
  const server = await windows.open()
  const repo = gitRepo(server.cwd)
  repo.commit({ 'src/a.ts': 'const a = 1\n', 'src/b.ts': 'const b = 1\n', '.gitignore': 'out/\n' })
  repo.write({ 'src/a.ts': 'const a = 9\n', 'out/c.ts': 'no', '.env': 'KEY=FAKE-SECRET' })
  const args = { prompt: 'Review.', files: ['**/*.ts'], diff: 'working' }
  const { text, isError } = await server.call('codex_query', args)
  expect(isError).toBe(false)
  expect(windows.asked()).toHaveLength(1)
  const blocks = lastBlocks(windows)
  expect(blocks.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
    ...['file src/a.ts', 'file src/b.ts', 'diff working'],
  ])
  expect(blocks[0]?.text).toBe('const a = 9')
  expect(blocks[2]?.text).toMatch(/-const a = 1\n\+const a = 9/)
  expect(JSON.stringify(windows.asked())).not.toContain('FAKE-SECRET')
  expect(text).toMatch(/Sent: src\/a\.ts \(11 B\), src\/b\.ts \(11 B\), diff working \(.*\); 2 files and 1 diff/)
  expect(text).toMatch(/Left out: .*\.env/)
  expect(server.strays).toEqual([])
})

test('4. What goes in: from the project that the client names, whatever the server was started in', async () => {
  const windows = await startWindows()
  const [project, root] = [tempFolder(), tempFolder()]
  writeFiles(project, { 'where.txt': 'the variable' })
  writeFiles(root, { 'where.txt': 'the root' })
  const env = { CLAUDE_PROJECT_DIR: project }
  const ask = { prompt: 'Where?', files: ['where.txt'] }

  const byVariable = await windows.open({ env })
  writeFiles(byVariable.cwd, { 'where.txt': 'the folder of the server' })
  await byVariable.call('codex_query', ask)
  expect(lastBlocks(windows)[0]?.text).toBe('the variable')

  const byRoots = await windows.open({ env, roots: [pathToFileURL(root).href] })
  await byRoots.call('codex_query', ask)
  expect(lastBlocks(windows)[0]?.text).toBe('the root')
})

test('4. What goes in: what is refused or too much is not sent', async () => {
  const windows = await startWindows()
  const server = await windows.open()
  writeFiles(server.cwd, { '.env': 'KEY=FAKE-SECRET', 'big.txt': 'word '.repeat(199_000) })
  const query = async (files: string[]) => (await server.call('codex_query', { prompt: 'x', files })).text
  expect(await query(['.env', '/etc/hostname'])).toMatch(
    /“\/etc\/hostname” lies outside.*“\.env” has a name.*\[INPUT_INVALID\]$/,
  )
  expect(await query(['big.txt'])).toMatch(/largest parts are big\.txt \(995 kB\).*\[CONTEXT_TOO_LONG\]$/)
  expect(windows.asked()).toEqual([])
  expect(server.stderr()).not.toContain('FAKE-SECRET')
})
