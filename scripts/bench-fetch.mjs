// What a question is compared with: for each line with a request and a count it sends the request so many times at once
// with a bare `fetch`, reads every stream to its end as any client has to (the bytes as text, the text as events, the
// events as JSON, of which the deltas are the answer), and says how long the answers are.
import { createInterface } from 'node:readline'

createInterface({ input: process.stdin }).on('line', async (line) => {
  const { url, init, count } = JSON.parse(line)
  const lengths = await Promise.all(Array.from({ length: count }, () => read(url, init)))
  process.stdout.write(`${JSON.stringify({ lengths })}\n`)
})

async function read(url, init) {
  const response = await fetch(url, init)
  const decoder = new TextDecoder()
  let rest = ''
  let answer = ''
  for await (const chunk of response.body) {
    const events = (rest + decoder.decode(chunk, { stream: true })).split('\n\n')
    rest = events.pop()
    for (const event of events) {
      const data = event.split('\n').find((field) => field.startsWith('data: '))
      if (data === undefined) continue
      const { type, delta } = JSON.parse(data.slice(6))
      if (type === 'response.output_text.delta') answer += delta
    }
  }
  return answer.length
}
