import { describe, expect, test } from 'vitest'
import { notTheService } from '../../../src/services/codex/not-the-service.ts'
import { shown } from '../../support/error-of.ts'

const page = { 'content-type': 'text/html; charset=utf-8' }
const json = { 'content-type': 'application/json' }

const judge = (status: number, headers: Record<string, string> = {}) =>
  notTheService({ status, headers: new Headers(headers) }, 'the tokens')

describe('an answer that is not of the service', () => {
  const PORTAL =
    'a proxy, or the sign-in page of your network (captive portal), stands in between. Open any web page in a browser'
  const BLOCKED =
    'it blocked the request before it reached OpenAI. Try without VPN or proxy, from another network, or later. [RESPONSE_INVALID]'

  test.each<[string, number, Record<string, string>, string]>([
    ['a page with 200', 200, page, `A web page came back instead of the tokens (200): ${PORTAL}`],
    ['a page with 401', 401, page, `A web page came back instead of the tokens (401): ${PORTAL}`],
    ['a page with 403', 403, { 'content-type': 'TEXT/HTML' }, `A web page came back instead of the tokens (403): `],
    ['an XHTML page', 200, { 'content-type': 'application/xhtml+xml' }, 'A web page came back'],
    ['a page of OpenAI itself', 200, { ...page, 'cf-ray': '8a-FRA' }, 'A web page came back'],
    [
      'a redirect',
      302,
      { location: 'https://portal.example/s3cret' },
      'A redirect came back instead of the tokens (302): it is not followed with a login. Open any web page',
    ],
    ['a redirect with a page', 307, page, 'A redirect came back instead of the tokens (307): '],
    [
      'a network that wants a sign-in (RFC 6585)',
      511,
      {},
      'A refusal of your network came back instead of the tokens (511): it wants you to sign in to it first. Open any',
    ],
    [
      'a page of Cloudflare',
      403,
      { ...page, 'cf-ray': '8a-FRA' },
      `A page of Cloudflare came back instead of the tokens (403): ${BLOCKED}`,
    ],
    ['a word of Cloudflare', 403, { 'content-type': 'text/plain', 'cf-ray': '8a-FRA' }, 'A page of Cloudflare'],
    ['a challenge of Cloudflare', 503, { ...page, 'cf-mitigated': 'challenge' }, `A page of Cloudflare`],
  ])('%s', (_, status, headers, words) => {
    const error = judge(status, headers)
    expect(error).toMatchObject({ code: 'RESPONSE_INVALID', retryable: false })
    expect(error && shown(error)).toContain(words)
    expect(error && shown(error)).not.toMatch(/8a-FRA|s3cret|portal\.example|html/)
  })
})

test.each<[string, number, Record<string, string>]>([
  ['data', 200, json],
  ['events', 200, { 'content-type': 'text/event-stream' }],
  ['nothing at all', 200, {}],
  ['nothing new', 304, {}],
  ['a refusal', 401, json],
  ['a refusal without a word, through Cloudflare', 401, { 'cf-ray': '8a-FRA' }],
  ['a refusal through Cloudflare', 403, { ...json, 'cf-ray': '8a-FRA' }],
  ['too many requests, with a page', 429, { ...page, 'cf-ray': '8a-FRA' }],
  ['a service in trouble, with a page', 502, page],
  ['a service in trouble behind Cloudflare', 520, { ...page, 'cf-ray': '8a-FRA' }],
])('%s may be the own answer of the service', (_, status, headers) => {
  expect(judge(status, headers)).toBeUndefined()
})
