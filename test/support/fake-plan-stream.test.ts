import { describe, expect, test } from 'vitest'
import { admission, oauthRefusal, PLAN_ERROR_STATUS, planError } from './fake-plan-errors.ts'
import { planAnswer, planFailure, planStream } from './fake-plan-stream.ts'
import type { Answer } from './fake-script.ts'
import { startPlan } from './plan-client.ts'

/** What a question is answered when this is the next step. */
async function asked(step: Answer): Promise<Response> {
  const { plan, client } = await startPlan()
  plan.script.responses.push(step)
  return client.ask(plan.issueTokens().tokens.access_token)
}

async function typesOf(step: Answer): Promise<string[]> {
  const lines = (await (await asked(step)).text()).split(/\r?\n/).filter((line) => line.startsWith('data: '))
  return lines.map((line) => JSON.parse(line.slice('data: '.length)).type)
}

async function lastData(step: Answer, count: number): Promise<unknown[]> {
  const lines = (await (await asked(step)).text()).split('\n').filter((line) => line.startsWith('data: '))
  return lines.slice(-count).map((line) => JSON.parse(line.slice('data: '.length)))
}

describe('a limit inside a stream', () => {
  const code = 'subscription_sharing_usage_limit_exceeded'

  test('comes with status 200, behind text, as an error event and a failure', async () => {
    expect((await asked(planFailure())).status).toBe(200)
    expect((await typesOf(planFailure({ text: 'Half' }))).slice(-5)).toEqual([
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'error',
      'response.failed',
    ])
  })

  test.each([
    ['coded', { type: 'error', code }],
    ['bare', { type: 'error', code: null }],
    ['nested', { type: 'error', error: { code } }],
  ] as const)('has a %s error event', async (errorEvent, event) => {
    const failed = { type: 'response.failed', response: { error: { code } } }
    expect(await lastData(planFailure({ errorEvent }), 2)).toMatchObject([event, failed])
  })

  test('may have no error event, or nothing else', async () => {
    expect(await typesOf(planFailure({ errorEvent: 'none' }))).not.toContain('error')
    expect((await typesOf(planFailure({ failedEvent: false }))).at(-1)).toBe('error')
  })
})

describe('an answer', () => {
  test('may come in deltas only', async () => {
    const types = await typesOf(planAnswer('Hello', { items: false }))
    expect(types).not.toContain('response.output_item.done')
    expect(types.at(-1)).toBe('response.completed')
  })

  test('may have lines of CRLF, and a content type', async () => {
    const answer = await asked(planAnswer('Hello', { crlf: true, contentType: 'text/html' }))
    expect(answer.headers.get('content-type')).toBe('text/html')
    expect((await answer.text()).replaceAll('\r\n', '')).not.toContain('\n')
  })

  test('may be split inside its characters, and arrives whole', async () => {
    const step = planAnswer('Grüße, 世界 🌍', { splitCharacters: true, deltas: 1, items: false })
    const bytes = Buffer.from(step.bytes as string)
    expect(step.splitAt?.length).toBeGreaterThanOrEqual(5)
    for (const at of step.splitAt ?? []) expect((bytes[at] ?? 0) & 0xc0).toBe(0x80)
    expect(await (await asked(step)).text()).toContain('Grüße, 世界 🌍')
  })

  test('may be cut, incomplete, failed, or no events at all', async () => {
    expect((await typesOf(planAnswer('Hello', { end: 'cut' }))).at(-1)).toBe('response.output_item.done')
    expect((await typesOf(planAnswer('Hello', { end: { incomplete: 'max' } }))).at(-1)).toBe('response.incomplete')
    const failed = { failed: { code: null, message: 'x' } }
    expect((await typesOf(planAnswer('Hello', { end: failed }))).at(-1)).toBe('response.failed')
    expect(await typesOf(planStream([]))).toEqual([])
    await expect((await asked({ ...planAnswer('Hello'), cutAfter: 100 })).text()).rejects.toThrow()
  })
})

describe('a refusal', () => {
  test.each(Object.entries(PLAN_ERROR_STATUS))('with %s has status %s and a request id', async (code, status) => {
    const answer = await asked(planError(code, { param: 'x' }))
    expect(answer.status).toBe(status)
    expect(answer.headers.has('x-request-id')).toBe(true)
    expect(await answer.json()).toEqual({
      error: { code, message: expect.any(String), param: 'x', type: 'invalid_request_error' },
    })
  })

  test('may have another status, no code, or the words of the admission', async () => {
    expect(planError('unsupported_value', { status: 422 }).status).toBe(422)
    expect(planError(null, { status: 503 })).toMatchObject({ status: 503, json: { error: { code: null } } })
    expect(admission('Unsupported', 403)).toEqual({ status: 403, json: { detail: 'Unsupported' } })
  })

  test('of the token endpoint has its code in one of three places', () => {
    expect(oauthRefusal('refresh_token_expired')).toMatchObject({
      status: 400,
      json: { error: 'refresh_token_expired' },
    })
    expect(oauthRefusal('invalid_grant', { reason: 'refresh_token_reused' }).json).toEqual({
      error: 'invalid_grant',
      error_reason: 'refresh_token_reused',
      error_description: expect.any(String),
    })
    expect(oauthRefusal('invalid_grant', { form: 'object' }).json).toMatchObject({ error: { code: 'invalid_grant' } })
    expect(oauthRefusal('invalid_client').status).toBe(401)
  })
})
