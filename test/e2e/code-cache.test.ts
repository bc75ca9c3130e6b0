import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createTools, type Services } from '../../src/tools/index.ts'
import { listed } from '../../src/tools/tool.ts'
import { startBuiltServer } from '../support/built-server.ts'
import { plainUser } from '../support/child.ts'
import { readProject } from '../support/project.ts'
import { tempFolder } from '../support/temp-folder.ts'

const LIST = createTools({} as Services).map(listed)

/** Starts a server, asks it for its tools, and lets it end. */
async function start(env: Record<string, string>, uid?: number) {
  const server = startBuiltServer(env, { uid })
  const clientInfo = { name: 'test', version: '1' }
  await server.request(1, 'initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo })
  server.send({ method: 'notifications/initialized' })
  const { result } = await server.request(2, 'tools/list')
  const { code } = await server.endBy(() => server.child.stdin.end())
  return { tools: result?.tools, code, stderr: server.stderr() }
}

const WELL = { tools: LIST, code: 0, stderr: '' }

/** A home of its own, and what is kept there. */
function aHome(): { env: Record<string, string>; folder: string; kept(): string[] } {
  const home = tempFolder()
  const folder = join(home, '.cache', 'codex-oauth')
  return { env: { HOME: home, CODEX_HOME: home }, folder, kept: () => readdirSync(folder).map((n) => join(folder, n)) }
}

test('the first start keeps what was compiled, for this version and this Node; the next ones use and keep it', async () => {
  const { env, kept } = aHome()
  expect(await start(env)).toEqual(WELL)
  const [file = '', ...others] = kept()
  expect(others).toEqual([])
  expect(file).toContain(`/${readProject.json('package.json').version}-`)
  expect(file).toContain(`-node-${process.version}-${process.arch}.code`)
  const before = statSync(file, { bigint: true })
  expect(await start(env)).toEqual(WELL)
  expect(kept()).toEqual([file])
  const { ino, mtimeNs } = statSync(file, { bigint: true })
  expect({ ino, mtimeNs }).toEqual({ ino: before.ino, mtimeNs: before.mtimeNs })
})

test('nothing of its environment is in it', async () => {
  const { env, kept } = aHome()
  await start({ ...env, OPENAI_API_KEY: 'sk-FAKE-key-of-the-environment', CODEX_OAUTH_PASSPHRASE: 'FAKE passphrase' })
  const [file = ''] = kept()
  const text = readFileSync(file, 'latin1')
  expect(text).toContain('Use codex_query when')
  for (const word of ['FAKE', env.HOME ?? '']) expect(text).not.toContain(word)
})

test('a damaged one is not run but replaced', async () => {
  const { env, kept } = aHome()
  await start(env)
  const [file = ''] = kept()
  const whole = readFileSync(file)
  const damages: ReadonlyArray<(bytes: Buffer) => Buffer> = [
    (bytes) => bytes.fill(0xff, bytes.length / 4, bytes.length / 4 + 64),
    (bytes) => bytes.fill(0),
    (bytes) => bytes.subarray(0, bytes.length / 2),
    () => Buffer.alloc(0),
    () => Buffer.from('no compiled code, but twice. no compiled code, but twice. '),
    // Twice the same, so that it is V8 that has to refuse it: the code of another program.
    (bytes) =>
      Buffer.from(bytes)
        .fill(0, 8, 12)
        .fill(0, bytes.length / 2 + 8, bytes.length / 2 + 12),
  ]
  for (const damage of damages) {
    writeFileSync(file, damage(Buffer.from(whole)))
    expect(await start(env)).toEqual(WELL)
    expect(kept()).toEqual([file])
    expect(readFileSync(file).length).toBeGreaterThan(100_000)
  }
})

test('a server starts as well where a file is in the way of the folder', async () => {
  const { env, folder } = aHome()
  writeFileSync(join(folder, '..'), '')
  for (let times = 0; times < 2; times += 1) expect(await start(env)).toEqual(WELL)
})

test('a server starts as well where the folder may not be written', async () => {
  const { env, folder, kept } = aHome()
  mkdirSync(folder, { recursive: true })
  for (const path of [env.HOME ?? '', join(folder, '..')]) chmodSync(path, 0o755)
  chmodSync(folder, 0o555)
  for (let times = 0; times < 2; times += 1) expect(await start(env, plainUser)).toEqual(WELL)
  expect(kept()).toEqual([])
})

test('a server starts as well where a hook of Node drops the comments of what it loads', async () => {
  const { env } = aHome()
  const hook = join(env.HOME ?? '', 'hook.cjs')
  writeFileSync(
    hook,
    `const { prototype } = require('node:module')
     const { _compile } = prototype
     prototype._compile = function (text, file) {
       return _compile.call(this, text.replace(/\\{\\/\\*\\n[^]*\\*\\/\\}/, '{}'), file)
     }`,
  )
  expect(await start({ ...env, NODE_OPTIONS: `--require ${hook}` })).toEqual(WELL)
})

test('nothing is kept for those who tell Node to keep nothing', async () => {
  const { env, folder } = aHome()
  expect(await start({ ...env, NODE_DISABLE_COMPILE_CACHE: '1' })).toEqual(WELL)
  expect(() => readdirSync(folder)).toThrow()
})

test('sixteen that start at once for the first time all come up, and leave one file', async () => {
  const { env, kept } = aHome()
  const all = await Promise.all(Array.from({ length: 16 }, () => start(env)))
  for (const one of all) expect(one).toEqual(WELL)
  expect(kept()).toHaveLength(1)
})
