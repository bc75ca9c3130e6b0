import { expect, test } from 'vitest'
import { createCaller } from '../../../src/services/answers/caller.ts'

const signal = new AbortController().signal
const address = { message: '', url: '', signal, ended: signal }

/** Someone who writes down all they are told. */
function aCaller(reason?: string) {
  const heard: string[] = []
  const caller = createCaller({
    roots: async () => ['file:///a'],
    cancelReason: () => reason,
    onProgress: ({ phase }) => void heard.push(phase),
    onText: (delta) => void heard.push(delta),
    onSignIn: (message) => void heard.push(message),
    offer: async () => {
      heard.push('offer')
      return 'accept'
    },
  })
  return { caller, heard }
}

test('a caller hears everything until they leave, and then nothing', async () => {
  const { caller, heard } = aCaller()
  const tell = async () => {
    caller.onProgress({ phase: 'queued', characters: 0, elapsedMs: 0, id: 'a' })
    caller.onText('text')
    caller.onSignIn('sign in')
    return caller.offer?.(address)
  }
  expect([await tell(), caller.isThere]).toEqual(['accept', true])
  caller.leave()
  expect([await tell(), caller.isThere]).toEqual(['cancel', false])
  expect(heard).toEqual(['queued', 'text', 'sign in', 'offer'])
})

test('one without dialogs is offered none', () => {
  expect(createCaller({ roots: async () => [] }).offer).toBeUndefined()
})

test.each<[string | undefined, boolean]>([
  ['McpError: MCP error -32001: Request timed out', true],
  ['timed out after 60s', true],
  ['timeout', true],
  ['TIMEOUT', true],
  ['request_timeout', true],
  ['ETIMEDOUT', true],
  ['times out', true],
  [undefined, false],
  ['', false],
  ['AbortError: The operation was aborted.', false],
  ['sometimes outside', false],
  ['out of time', false],
])('who leaves with the word %j still wants the answer: %s', (reason, expected) => {
  expect(aCaller(reason).caller.stillWants()).toBe(expected)
})
