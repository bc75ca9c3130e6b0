import type { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { ListRootsRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { gate } from './support/fake-script.ts'
import { sdkClient, told, toolThatTells } from './support/sdk-client.ts'

const tellsRoots = toolThatTells(({ roots }) => roots())
const HERE = 'file:///home/me/project%20one'

/** A client with roots that answers with what `answer` gives, and how often it was asked. */
async function withRoots(answer: () => unknown) {
  let asked = 0
  const prepare = (client: Client) =>
    client.setRequestHandler(ListRootsRequestSchema, async () => {
      asked += 1
      return (await answer()) as { roots: [] }
    })
  const capabilities = { roots: { listChanged: true } }
  const client = await sdkClient([tellsRoots, toolThatTells(() => 'nothing', 'other')], { capabilities, prepare })
  return { client, asked: () => asked }
}

afterEach(() => void vi.useRealTimers())

describe('roots', () => {
  test('are what the client says, as it says it', async () => {
    const { client } = await withRoots(() => ({ roots: [{ uri: HERE, name: 'One' }, { uri: 'file:///C:/two' }] }))
    expect(await told(client)).toEqual([HERE, 'file:///C:/two'])
  })

  test('are asked for only when a tool wants them, and once for all', async () => {
    const { client, asked } = await withRoots(() => ({ roots: [{ uri: HERE }] }))
    await told(client, 'other')
    expect(asked()).toBe(0)
    expect(await Promise.all([told(client), told(client)])).toEqual([[HERE], [HERE]])
    expect(await told(client)).toEqual([HERE])
    expect(asked()).toBe(1)
  })

  test('are asked for anew once the client says that they have changed, not before', async () => {
    let uri = HERE
    const { client, asked } = await withRoots(() => ({ roots: [{ uri }] }))
    await told(client)
    uri = 'file:///elsewhere'
    expect(await told(client)).toEqual([HERE])
    await client.sendRootsListChanged()
    expect(asked()).toBe(1)
    expect(await told(client)).toEqual(['file:///elsewhere'])
    expect(asked()).toBe(2)
  })

  test('that change while they are asked for are not kept', async () => {
    const began = gate()
    const goOn = gate()
    const answers = [['file:///old'], ['file:///new']]
    const { client } = await withRoots(async () => {
      const roots = answers.shift()?.map((uri) => ({ uri }))
      began.open()
      await goOn.promise
      return { roots }
    })
    const first = told(client)
    await began.promise
    await client.sendRootsListChanged()
    goOn.open()
    expect(await first).toEqual(['file:///old'])
    expect(await told(client)).toEqual(['file:///new'])
  })

  test('of a client that does not declare them are not asked for: there are none', async () => {
    const answer = vi.fn(async () => ({ roots: [{ uri: HERE }] }))
    const client = await sdkClient([tellsRoots], {
      prepare(unprepared) {
        unprepared.fallbackRequestHandler = answer
      },
    })
    expect(await told(client)).toEqual([])
    expect(answer).not.toHaveBeenCalled()
  })

  test.each<[string, () => unknown]>([
    [
      'an error',
      () => {
        throw new Error('CANARY')
      },
    ],
    ['a text in place of a list', () => ({ roots: HERE })],
    ['nothing', () => ({})],
  ])('%s counts as none, and the call goes on', async (_, answer) => {
    const { client } = await withRoots(answer)
    expect(await told(client)).toEqual([])
  })

  test('one that is no folder here takes the others not with it, and does not count as none', async () => {
    const elsewhere = 'vscode-vfs://github/somebody/something'
    const { client } = await withRoots(() => ({ roots: [{ uri: elsewhere }, { uri: HERE }, { name: 'One' }] }))
    expect(await told(client)).toEqual([elsewhere, HERE, ''])
  })

  test('that do not come within 5 s are none, and are not waited for again', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const began = gate()
    const { client, asked } = await withRoots(() => {
      began.open()
      return new Promise(() => {})
    })
    const onAnswer = vi.fn()
    const answer = told(client).then(onAnswer)
    await began.promise
    await vi.advanceTimersByTimeAsync(4_999)
    expect(onAnswer).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    await answer
    expect(onAnswer).toHaveBeenCalledExactlyOnceWith([])
    expect(await told(client)).toEqual([])
    expect(asked()).toBe(1)
  })
})
