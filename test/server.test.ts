import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js'
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { z } from 'zod'
import { CodexError } from '../src/errors.ts'
import { createMcpServer, INSTRUCTIONS, type McpServerDeps } from '../src/server.ts'
import { createTools, type Services } from '../src/tools/index.ts'
import { defineTool, type Tool, type ToolCall, type ToolOutput } from '../src/tools/tool.ts'
import { gate } from './support/fake-script.ts'
import type { Frame } from './support/frames.ts'
import { schemaProblems } from './support/json-schema.ts'
import { LIST_CHARACTERS, QUERY_ARGUMENTS } from './support/list-budget.ts'
import { sdkClient, toolThatTells } from './support/sdk-client.ts'

/** Nothing is called on them: these tests are about what stands before and behind a tool. */
const realTools = createTools({} as Services)

interface Talk {
  notifications: Frame[]
  request(method: string, params?: unknown, id?: string | number): Promise<Frame>
  call(name: unknown, args?: unknown, more?: object): Promise<Frame>
  notify(method: string, params?: unknown): void
}

/** A server of these tools, spoken to in raw messages: the SDK's client would put its own words around an error. */
async function talkTo(tools: readonly Tool[], deps: Partial<McpServerDeps> = {}): Promise<Talk> {
  const server = createMcpServer({
    tools,
    version: '1.2.3',
    configProblem: undefined,
    newId: () => 'dialog-1',
    onFault: () => {},
    ...deps,
  })
  const [ours, theirs] = InMemoryTransport.createLinkedPair()
  const notifications: Frame[] = []
  const waiting = new Map<unknown, (frame: Frame) => void>()
  ours.onmessage = (message) => {
    const frame = message as Frame
    if (frame.method === undefined) waiting.get(frame.id)?.(frame)
    else notifications.push(frame)
  }
  await server.connect(theirs)
  onTestFinished(() => server.close())
  let last = 0
  const send = (message: object) => void ours.send({ jsonrpc: '2.0', ...message } as JSONRPCMessage)
  const request: Talk['request'] = (method, params, id = `r${++last}`) =>
    new Promise((resolve) => {
      waiting.set(id, resolve)
      send({ id, method, ...(params === undefined ? {} : { params }) })
    })
  return {
    notifications,
    request,
    call: (name, args, more) =>
      request('tools/call', { name, ...(args === undefined ? {} : { arguments: args }), ...more }),
    notify: (method, params) => send({ method, params }),
  }
}

/** A tool without arguments that does this. */
function toolThat(run: (call: ToolCall) => Promise<ToolOutput>, name = 'do_it', local = false): Tool {
  const annotations = { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false }
  const about = { name, title: 'It', description: 'Does it.', annotations, local }
  return defineTool({ ...about, input: () => z.strictObject({}), run: (_, call) => run(call) })
}

const done: ToolOutput = { texts: ['done'] }

/** A tool that goes on until it is cancelled, and then still has something to say. */
function toolThatWaits() {
  const started = gate()
  const aborted = gate()
  const tool = toolThat(async ({ signal, progress }) => {
    started.open()
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    progress('still here')
    aborted.open()
    return done
  })
  return { tool, started: started.promise, aborted: aborted.promise }
}

function textOf({ result }: Frame): string {
  return result.content.map((block: { text: string }) => block.text).join('\n')
}

describe('the list of tools', () => {
  async function listedTools() {
    const { result } = await (await talkTo(realTools)).request('tools/list')
    return JSON.parse(JSON.stringify(result.tools)) as Record<string, unknown>[]
  }

  test('five tools, the question first', async () => {
    const names = (await listedTools()).map(({ name }) => name)
    expect(names).toEqual(['codex_query', 'codex_status', 'codex_login', 'codex_models', 'codex_clear'])
  })

  test('every tool has a name hosts take, a title, a description and all four hints', async () => {
    for (const tool of await listedTools()) {
      expect(tool.name).toMatch(/^[a-z][a-z_]{2,39}$/)
      expect(tool.title).toMatch(/\S/)
      expect(tool.description).toMatch(/^.{20,400}$/)
      expect(tool.annotations).toEqual({
        title: tool.title,
        readOnlyHint: expect.any(Boolean),
        destructiveHint: expect.any(Boolean),
        idempotentHint: expect.any(Boolean),
        openWorldHint: expect.any(Boolean),
      })
    }
  })

  test('only clear destroys, only clear and login change anything, and each can reach the service', async () => {
    const tools = (await listedTools()) as { name: string; annotations: Record<string, boolean> }[]
    const where = (hint: string, value: boolean) =>
      tools.filter(({ annotations }) => annotations[hint] === value).map(({ name }) => name)
    expect(where('destructiveHint', true)).toEqual(['codex_clear'])
    expect(where('readOnlyHint', false)).toEqual(['codex_login', 'codex_clear'])
    expect(where('openWorldHint', false)).toEqual([])
  })

  test('every schema is an object at its root, without alternatives there, and valid in shape', async () => {
    for (const { name, inputSchema, outputSchema } of await listedTools()) {
      for (const schema of [inputSchema, outputSchema].filter((given) => given !== undefined)) {
        expect(schema, `${name}`).toMatchObject({ type: 'object', properties: expect.any(Object) })
        expect(Object.keys(Object(schema))).not.toEqual(
          expect.arrayContaining([expect.stringMatching(/^(one|any|all)Of$/)]),
        )
        expect(schemaProblems(schema), `${name}`).toEqual([])
      }
    }
  })

  test('what answers with structure says which, a question answers with text only', async () => {
    const structured = (await listedTools()).filter(({ outputSchema }) => outputSchema !== undefined)
    expect(structured.map(({ name }) => name)).toEqual(['codex_status', 'codex_login', 'codex_models', 'codex_clear'])
  })

  test('unknown arguments are forbidden, unknown results are not: outputs grow', async () => {
    for (const { inputSchema, outputSchema } of (await listedTools()) as Record<string, object | undefined>[]) {
      expect(inputSchema).toHaveProperty('additionalProperties', false)
      expect(JSON.stringify(outputSchema ?? {})).not.toContain('"additionalProperties":false')
    }
  })

  test('the schemas mean what the tools check', async () => {
    const [query] = await listedTools()
    const schema = z.fromJSONSchema(query?.inputSchema as Parameters<typeof z.fromJSONSchema>[0])
    expect(schema.safeParse({ prompt: 'Hello', temperature: 1 }).success).toBe(true)
    // A list of tools cannot say that one of two has to be there: the top of a schema takes no choice.
    expect(schema.safeParse({}).success).toBe(true)
    expect(schema.safeParse({ prompt: 'Hello', temperature: 1.1 }).success).toBe(false)
    expect(schema.safeParse({ prompt: 'Hello', other: 1 }).success).toBe(false)
  })

  test('the whole list costs a model less than 2,500 tokens', async () => {
    expect(JSON.stringify({ tools: await listedTools() }).length).toBeLessThan(LIST_CHARACTERS)
  })

  test('a question takes these arguments and no others', async () => {
    const [query] = await listedTools()
    expect(Object.keys(Object(query?.inputSchema).properties)).toEqual(QUERY_ARGUMENTS)
  })

  test('the check of schemas finds what is wrong', () => {
    const wrong = {
      type: 'objekt',
      required: ['a', 'b'],
      definitions: {},
      properties: { a: { type: 'string', nullable: true, minLength: -1 }, c: { items: [{ type: 'string' }] } },
    }
    expect(schemaProblems(wrong)).toEqual([
      '#/type has no valid value',
      '#/definitions is not known',
      '#/properties/a/nullable is not known',
      '#/properties/a/minLength has no valid value',
      '#/properties/c/items is no schema',
      '# does not describe b',
    ])
  })
})

describe('the protocol', () => {
  const hello = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } }

  test('initialize tells name, version, instructions, and that there are tools and prompts, the same ones all the time', async () => {
    const { result } = await (await talkTo([])).request('initialize', hello, 0)
    expect(result).toEqual({
      protocolVersion: '2025-11-25',
      capabilities: { tools: {}, prompts: {} },
      serverInfo: { name: 'codex-oauth', title: 'Codex', version: '1.2.3' },
      instructions: INSTRUCTIONS,
    })
  })

  test('the instructions fit where hosts cut them, and begin with when to use the tools', () => {
    expect(INSTRUCTIONS.length).toBeLessThan(2_000)
    expect(INSTRUCTIONS).toMatch(/^Use codex_query when [^.]+\./)
    for (const { name } of realTools) expect(INSTRUCTIONS).toContain(name)
  })

  test.each(['files', 'diff', 'conversation', 'web_search', 'output_schema', 'background', 'collect', 'usage: true'])(
    'the instructions say when to use %s',
    (word) => {
      expect(INSTRUCTIONS).toContain(word)
    },
  )

  test('ping is answered', async () => {
    expect((await (await talkTo([])).request('ping')).result).toEqual({})
  })

  test.each(['resources/list', 'roots/list', 'logging/setLevel', 'tasks/list', 'constructor', ''])(
    'method %j is not found, before and after initialize',
    async (method) => {
      const talk = await talkTo([])
      expect((await talk.request(method, {})).error).toEqual({ code: -32601, message: 'Method not found' })
      await talk.request('initialize', hello)
      expect((await talk.request(method)).error).toEqual({ code: -32601, message: 'Method not found' })
    },
  )

  test.each(['codex_nothing', 'constructor', '__proto__', 'toString', '', 'CODEX_QUERY'])(
    'tool %j is unknown, which is a protocol error that names the tools',
    async (name) => {
      const { error } = await (await talkTo(realTools)).call(name, {})
      expect(error).toEqual({ code: -32602, message: expect.stringMatching(/^Unknown tool\. .*codex_query/) })
    },
  )

  test.each([
    ['no params', undefined, 'name'],
    ['no name', {}, 'name'],
    ['a name that is a number', { name: 5 }, 'name'],
    ['a name that is null', { name: null }, 'name'],
    ['arguments that are a text', { name: 'codex_query', arguments: '{"prompt":"CANARY"}' }, 'arguments'],
    ['arguments that are a list', { name: 'codex_query', arguments: ['CANARY'] }, 'arguments'],
    ['arguments that are a number', { name: 'codex_query', arguments: 7 }, 'arguments'],
    ['arguments that are false', { name: 'codex_query', arguments: false }, 'arguments'],
  ])('tools/call with %s is malformed, and is told so in a clean sentence', async (_, params, about) => {
    const { error } = await (await talkTo(realTools)).request('tools/call', params)
    expect(error?.code).toBe(-32602)
    expect(error?.message).toMatch(/^[A-Z]?[\w/ ,.]+\.$/)
    expect(error?.message).toContain(about)
    expect(error?.message).not.toMatch(/MCP error|zod|invalid_type|CANARY/i)
  })

  test.each([[undefined], [null], [{}]])('arguments %j are no arguments', async (args) => {
    const talk = await talkTo([toolThat(async () => done)])
    expect(textOf(await talk.request('tools/call', { name: 'do_it', arguments: args }))).toBe('done')
  })

  test('an argument that is null counts as left out, and as missing where it is needed', async () => {
    const talk = await talkTo(realTools)
    expect(textOf(await talk.call('codex_query', { prompt: null, model: null }))).toMatch(
      /^codex_query: prompt: is missing, expected string\./,
    )
  })

  test('a call that asks for a task is answered like any other: we offer none', async () => {
    const answer = await (await talkTo([toolThat(async () => done)])).call('do_it', {}, { task: { ttl: 60_000 } })
    expect(textOf(answer)).toBe('done')
  })

  test('a slow call does not keep others waiting', async () => {
    const finish = gate()
    const slow = toolThat(() => finish.promise.then(() => done), 'slow')
    const talk = await talkTo([slow, toolThat(async () => done, 'quick')])
    const pending = talk.call('slow')
    expect(textOf(await talk.call('quick'))).toBe('done')
    finish.open()
    expect(textOf(await pending)).toBe('done')
  })

  test('a cancelled call is told, and gets no answer', async () => {
    const { tool, started, aborted } = toolThatWaits()
    const talk = await talkTo([tool])
    const onAnswer = vi.fn()
    void talk.request('tools/call', { name: 'do_it' }, 'x').then(onAnswer)
    await started
    talk.notify('notifications/cancelled', { requestId: 'x', reason: 'enough' })
    await aborted
    await talk.request('ping')
    expect(onAnswer).not.toHaveBeenCalled()
  })

  test.each([
    ['a sentence', 'McpError: Request timed out', 'McpError: Request timed out'],
    ['none', undefined, undefined],
  ])('a cancelled call is told why: %s', async (_, reason, expected) => {
    let why: ToolCall['cancelReason'] = () => 'never asked'
    const started = gate()
    const waits = toolThat(async ({ signal, cancelReason }) => {
      why = cancelReason
      started.open()
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      return done
    })
    const talk = await talkTo([waits])
    void talk.request('tools/call', { name: 'do_it' }, 'x')
    await started.promise
    expect(why()).toBeUndefined()
    talk.notify('notifications/cancelled', { requestId: 'x', ...(reason === undefined ? {} : { reason }) })
    await talk.request('ping')
    expect(why()).toBe(expected)
  })

  test('the end of the patience of a client and the stop of its user can be told apart', async () => {
    const reasons: (string | undefined)[] = []
    const started = [gate(), gate()]
    const aborted = [gate(), gate()]
    const waits = toolThatTells(async ({ signal, cancelReason }) => {
      const turn = reasons.length
      started[turn]?.open()
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      reasons.push(cancelReason())
      aborted[turn]?.open()
    })
    const client = await sdkClient([waits])
    const late = client.callTool({ name: 'tell' }, undefined, { timeout: 20 })
    await expect(late).rejects.toThrow('timed out')
    await aborted[0]?.promise
    const stop = new AbortController()
    const stopped = client.callTool({ name: 'tell' }, undefined, { signal: stop.signal })
    await started[1]?.promise
    stop.abort('AbortError: the user pressed Esc')
    await expect(stopped).rejects.toThrow()
    await aborted[1]?.promise
    expect(reasons).toEqual([expect.stringContaining('timed out'), expect.stringContaining('pressed Esc')])
  })

  test('a call that is cancelled in the same breath does not begin', async () => {
    const run = vi.fn(async () => done)
    const talk = await talkTo([toolThat(run)])
    void talk.request('tools/call', { name: 'do_it' }, 'x')
    talk.notify('notifications/cancelled', { requestId: 'x', reason: 'at once' })
    await talk.request('ping')
    expect(run).not.toHaveBeenCalled()
  })
})

describe('arguments a tool does not take', () => {
  const cases: [string, string, unknown, string[]][] = [
    ['no prompt', 'codex_query', {}, ['prompt', 'string']],
    ['a prompt that is a number', 'codex_query', { prompt: 7 }, ['prompt', 'string']],
    ['an empty prompt', 'codex_query', { prompt: '' }, ['prompt', 'must not be empty']],
    ['a blank prompt', 'codex_query', { prompt: ' \n\t ' }, ['prompt', 'must not be empty']],
    [
      'a prompt over a million characters',
      'codex_query',
      { prompt: 'x'.repeat(1_000_001) },
      ['prompt', 'longer than 1,000,000 characters'],
    ],
    ['a temperature above 1', 'codex_query', { prompt: 'x', temperature: 1.5 }, ['temperature', '<=1']],
    ['a temperature below 0', 'codex_query', { prompt: 'x', temperature: -1 }, ['temperature', '>=0']],
    ['a temperature as text', 'codex_query', { prompt: 'x', temperature: '0.5' }, ['temperature', 'number']],
    ['an empty model', 'codex_query', { prompt: 'x', model: '' }, ['model', 'must not be empty']],
    ['an effort that is a list', 'codex_query', { prompt: 'x', reasoning_effort: ['low'] }, ['reasoning_effort']],
    ['an unknown argument', 'codex_query', { prompt: 'x', stream: true }, ['unknown argument', 'prompt, model']],
    ['force as text', 'codex_login', { force: 'yes' }, ['force', 'boolean']],
    ['an unknown argument', 'codex_status', { verbose: true }, ['unknown argument', 'usage']],
    ['usage as text', 'codex_status', { usage: 'yes' }, ['usage', 'boolean']],
    ['any argument', 'codex_models', { all: true }, ['no arguments']],
    ['an unknown argument', 'codex_clear', { yes: true }, ['unknown argument', 'conversation']],
    ['an answer and a question', 'codex_query', { prompt: 'x', collect: 'a-1' }, ['collect: stands alone', 'prompt']],
  ]

  test.each(cases)('%s: %s answers with an error the model can act on', async (_, name, args, words) => {
    const { result } = await (await talkTo(realTools)).call(name, args)
    expect(result.isError).toBe(true)
    expect(result).not.toHaveProperty('structuredContent')
    const [{ text }] = result.content
    expect(text).toMatch(new RegExp(`^${name}: .*Correct the arguments and call again\\. \\[INPUT_INVALID\\]$`, 's'))
    for (const word of words) expect(text).toContain(word)
  })

  test('all wrong fields are named at once', async () => {
    const answer = await (await talkTo(realTools)).call('codex_query', { model: 5, temperature: 'hot', x: 1 })
    for (const field of ['prompt', 'model', 'temperature', 'unknown argument']) expect(textOf(answer)).toContain(field)
  })

  test('neither a value nor the name of an unknown argument is repeated: it may be a secret', async () => {
    const secret = 'sk-CANARY-0001'
    const talk = await talkTo(realTools)
    for (const { name } of realTools) {
      const args = { prompt: [secret], model: { [secret]: secret }, temperature: secret, force: secret, [secret]: 1 }
      const answer = await talk.call(name, args)
      expect(answer.result.isError).toBe(true)
      expect(JSON.stringify(answer)).not.toContain(secret)
      expect(JSON.stringify(await talk.call(name, { [secret]: { [secret]: secret } }))).not.toContain(secret)
    }
  })

  test('the tool does not run', async () => {
    const run = vi.fn(async () => done)
    await (await talkTo([toolThat(run)])).call('do_it', { x: 1 })
    expect(run).not.toHaveBeenCalled()
  })
})

describe('what a tool gives', () => {
  test('texts become text blocks, without structure', async () => {
    const { result } = await (await talkTo([toolThat(async () => ({ texts: ['one', 'two'] }))])).call('do_it')
    expect(result).toEqual({
      content: [
        { type: 'text', text: 'one' },
        { type: 'text', text: 'two' },
      ],
    })
  })

  test('structure comes as structure and as the same JSON in a text', async () => {
    const structured = { status: 'fine', list: [1] }
    const { result } = await (await talkTo([toolThat(async () => ({ structured }))])).call('do_it')
    expect(result.structuredContent).toEqual(structured)
    expect(JSON.parse(textOf({ result }))).toEqual(structured)
    expect(result).not.toHaveProperty('isError')
  })

  test('an error of ours becomes message, hint and code, and nothing of its cause', async () => {
    const cause = new Error('CANARY')
    const error = new CodexError('USAGE_LIMIT', 'The limit is used up.', { hint: 'Wait until noon.', cause })
    const { result } = await (await talkTo([toolThat(() => Promise.reject(error))])).call('do_it')
    expect(result).toEqual({
      content: [{ type: 'text', text: 'The limit is used up. Wait until noon. [USAGE_LIMIT]' }],
      isError: true,
    })
  })

  test('without a hint there is no gap', async () => {
    const error = new CodexError('CANCELLED', 'The call was cancelled.')
    const answer = await (await talkTo([toolThat(() => Promise.reject(error))])).call('do_it')
    expect(textOf(answer)).toBe('The call was cancelled. [CANCELLED]')
  })

  test.each([
    ['an error', new TypeError('CANARY is not a function')],
    ['an error with a number as code', Object.assign(new Error('CANARY'), { code: -32042, data: 'CANARY' })],
    ['a text', 'CANARY'],
    ['nothing', undefined],
  ])('%s thrown by mistake becomes CODEX_FAILED, its words stay inside', async (_, thrown) => {
    const onFault = vi.fn()
    const talk = await talkTo([toolThat(() => Promise.reject(thrown))], { onFault })
    const answer = await talk.call('do_it')
    expect(answer.result.isError).toBe(true)
    expect(textOf(answer)).toMatch(/^Something went wrong inside codex-oauth\. .*CODEX_DEBUG=1.* \[CODEX_FAILED\]$/)
    expect(JSON.stringify(answer)).not.toContain('CANARY')
    expect(onFault).toHaveBeenCalledExactlyOnceWith(thrown)
  })

  test('a mistake before the first await is caught too', async () => {
    const talk = await talkTo([
      toolThat(() => {
        throw new Error('CANARY')
      }),
    ])
    expect(textOf(await talk.call('do_it'))).toContain('[CODEX_FAILED]')
  })

  test('an error of ours is no fault', async () => {
    const onFault = vi.fn()
    const talk = await talkTo([toolThat(() => Promise.reject(new CodexError('NETWORK', 'No.')))], { onFault })
    await talk.call('do_it')
    expect(onFault).not.toHaveBeenCalled()
  })
})

test('a bad configuration is what every tool answers with, but for the local ones', async () => {
  const configProblem = new CodexError('CONFIG_INVALID', 'CODEX_OAUTH_PORTS is not usable.', { hint: 'Correct it.' })
  const run = vi.fn(async () => done)
  const talk = await talkTo([toolThat(run, 'far'), toolThat(run, 'near', true)], { configProblem })
  expect(textOf(await talk.call('far'))).toBe('CODEX_OAUTH_PORTS is not usable. Correct it. [CONFIG_INVALID]')
  expect(run).not.toHaveBeenCalled()
  expect(textOf(await talk.call('near'))).toBe('done')
})

test('codex_status is the only local tool', () => {
  expect(realTools.filter(({ local }) => local).map(({ name }) => name)).toEqual(['codex_status'])
})

describe('progress', () => {
  const reports = toolThat(async ({ progress }) => {
    progress('first')
    return done
  })

  test.each([0, 7, '', 'token'])('goes to token %j', async (progressToken) => {
    const talk = await talkTo([reports])
    await talk.call('do_it', {}, { _meta: { progressToken } })
    const params = { progressToken, progress: 1, message: 'first' }
    expect(talk.notifications).toEqual([expect.objectContaining({ method: 'notifications/progress', params })])
  })

  test('is not sent to a client that asked for none', async () => {
    const talk = await talkTo([reports])
    await talk.call('do_it')
    await talk.call('do_it', {}, { _meta: { other: 1 } })
    expect(talk.notifications).toEqual([])
  })

  test('rises, leaves nothing out, the last word before a silence least of all, and says nothing twice in a row', async () => {
    const often = toolThat(async ({ progress }) => {
      for (const message of ['asking', 'thinking', 'thinking', 'thinking', 'writing', 'thinking']) progress(message)
      return done
    })
    const talk = await talkTo([often])
    await talk.call('do_it', {}, { _meta: { progressToken: 1 } })
    const seen = talk.notifications.map(({ params }) => [params.progress, params.message])
    expect(seen).toEqual([
      [1, 'asking'],
      [2, 'thinking'],
      [3, 'writing'],
      [4, 'thinking'],
    ])
  })

  test('counts and compares for each call by itself', async () => {
    const talk = await talkTo([reports])
    await talk.call('do_it', {}, { _meta: { progressToken: 'a' } })
    await talk.call('do_it', {}, { _meta: { progressToken: 'b' } })
    expect(talk.notifications.map(({ params }) => params)).toEqual([
      { progressToken: 'a', progress: 1, message: 'first' },
      { progressToken: 'b', progress: 1, message: 'first' },
    ])
  })

  test.each([
    ['its result', done],
    ['its error', new CodexError('TIMEOUT', 'Too late.')],
  ])('of a call does not come after %s, though its work may go on', async (_, end) => {
    let tell: ToolCall['progress'] = () => {}
    const goesOn = toolThat(async ({ progress }) => {
      tell = progress
      if (end instanceof CodexError) throw end
      return end
    })
    const talk = await talkTo([goesOn])
    await talk.call('do_it', {}, { _meta: { progressToken: 1 } })
    tell('still at it')
    await talk.request('ping')
    expect(talk.notifications).toEqual([])
  })

  test('ends with the cancel', async () => {
    const { tool, started, aborted } = toolThatWaits()
    const talk = await talkTo([tool])
    void talk.request('tools/call', { name: 'do_it', _meta: { progressToken: 1 } }, 5)
    await started
    talk.notify('notifications/cancelled', { requestId: 5 })
    await aborted
    await talk.request('ping')
    expect(talk.notifications).toEqual([])
  })
})
