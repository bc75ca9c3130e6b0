/**
 * Signs in through the built server and the listener's own address, all of it in one network: `signs-in`. Prints the
 * addresses that listened, the status of the page and that of the sign-in, as JSON.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { startFakeOpenAI } from '../fake-openai.ts'
import { type Frame, readFrames } from '../frames.ts'
import { freePorts } from '../free-ports.ts'

const home = mkdtempSync(join(tmpdir(), 'signs-in-'))
const fake = await startFakeOpenAI()
const [port = 0, other = 0] = await freePorts(2)
const server = spawn(process.execPath, [join(import.meta.dirname, '..', '..', '..', 'dist', 'main.js')], {
  stdio: ['pipe', 'pipe', 'inherit'],
  env: { ...fake.env({ CODEX_OAUTH_PORTS: `${port},${other}` }), HOME: home },
})
const reader = readFrames(server.stdout)

async function login(id: number): Promise<Frame['result']> {
  const params = { name: 'codex_login', arguments: {} }
  server.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params })}\n`)
  return (await reader.answerTo(id)).result
}

const { url } = (await login(1)).structuredContent
const page = await fake.browser(url)
const { structuredContent } = await login(2)
const addresses = Object.values(networkInterfaces()).flatMap((list = []) => list.map(({ address }) => address))
process.stdout.write(JSON.stringify({ addresses, page: page.status, status: structuredContent?.status }))
server.stdin.end()
await fake.close()
rmSync(home, { recursive: true })
