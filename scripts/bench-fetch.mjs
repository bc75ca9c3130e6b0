// What a question is compared with: for each line with a request and a count it sends the request so many times at once
// with a bare `fetch`, reads every stream to its end, and says so.
import { createInterface } from 'node:readline'

createInterface({ input: process.stdin }).on('line', async (line) => {
  const { url, init, count } = JSON.parse(line)
  const lengths = await Promise.all(Array.from({ length: count }, () => read(url, init)))
  process.stdout.write(`${JSON.stringify({ lengths })}\n`)
})

async function read(url, init) {
  const response = await fetch(url, init)
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of response.body) text += decoder.decode(chunk, { stream: true })
  return text.length
}
