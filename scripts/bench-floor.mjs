// The floor of the benchmark: the least that a Node program must do to answer an MCP client over stdio.
import { createInterface } from 'node:readline'

const reply = (id, result) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id, result })}\n`)

createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method } = JSON.parse(line)
  const serverInfo = { name: 'floor', version: '0' }
  if (method === 'initialize') reply(id, { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo })
  else if (method === 'tools/list') reply(id, { tools: [] })
})
