// Starts the server in place of the plugin's entry and notes what passes: claude-tee.mjs LOG SERVER
import { spawn } from 'node:child_process'
import { appendFileSync } from 'node:fs'

const [, , log, server] = process.argv
const child = spawn(process.execPath, [server], { stdio: ['pipe', 'pipe', 'inherit'] })
const pass = (from, to, mark) =>
  from.on('data', (bytes) => {
    appendFileSync(log, `${mark} ${bytes}`)
    to.write(bytes)
  })
pass(process.stdin, child.stdin, '>')
pass(child.stdout, process.stdout, '<')
process.stdin.on('end', () => child.stdin.end())
child.stdin.on('error', () => {})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
child.on('exit', (code) => process.exit(code ?? 0))
