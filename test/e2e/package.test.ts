import { expect, test } from 'vitest'
import { createTools, type Services } from '../../src/tools/index.ts'
import { startFakeOpenAI } from '../support/fake-openai.ts'
import { commandIn, install, pack, tryWith } from '../support/packed.ts'
import { readProject } from '../support/project.ts'
import { tempFolder } from '../support/temp-folder.ts'

const names = createTools({} as Services).map(({ name }) => name)

test('the packed file has what is needed and nothing else, installs alone, and answers (npm run test:pack: on each Node)', async () => {
  const fake = await startFakeOpenAI({ reply: 'I am.' })
  const folder = tempFolder()
  const { tarball, files } = await pack(folder)
  expect(files.length).toBeLessThan(20)
  expect(readProject.text('README.md')).toContain(`: ${files.length} files, 3 of 3 versions run it`)
  expect(files).toEqual(
    expect.arrayContaining(['dist/main.js', 'dist/THIRD-PARTY-NOTICES.txt', 'LICENSE', 'README.md']),
  )
  expect(files.filter((file) => /^(src|test|scripts|plugin|docs|node_modules)\//.test(file))).toEqual([])

  const place = tempFolder()
  expect(await install(tarball, place)).toEqual(['codex-oauth-mcp'])
  const tried = await tryWith(process.execPath, commandIn(place), fake, tempFolder())
  expect(tried).toEqual({
    node: process.version,
    version: `codex-oauth-mcp ${readProject.json('package.json').version}`,
    tools: names,
    answers: ['I am.', 'I am.'],
  })
  await fake.close()
})
