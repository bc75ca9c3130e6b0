import { describe, expect, test } from 'vitest'
import { judgePlanCallback } from '../../../src/services/plan/plan-callback.ts'

const STATE = 'kq8Zb-3x_Qw1vYt9LmN0pRs7uVaBcDeFgHiJkLmNoPq'
const ISSUER = 'https://auth.openai.com'
const OURS = 'oaiapp_FAKE-1'

const judge = (query: string, clientId?: string) => judgePlanCallback(query, { state: STATE, issuer: ISSUER, clientId })

describe('the answer to a registration', () => {
  test('brings a code and the client that was issued', () => {
    const query = `code=ac_1&scope=openid+email&state=${STATE}&client_id=${OURS}`
    expect(judge(query)).toEqual({ kind: 'code', code: 'ac_1', clientId: OURS })
  })

  test.each([
    ['no client', ''],
    ['an empty one', '&client_id='],
    ['the bootstrap one', '&client_id=dynamic_agent_client'],
    ['one with a blank', '&client_id=oaiapp+1'],
    ['one with markup', '&client_id=%3Cb%3E'],
    ['one that is too long', `&client_id=${'x'.repeat(201)}`],
  ])('is of no use with %s', (_, client) => {
    expect(judge(`code=ac_1&state=${STATE}${client}`)).toMatchObject({
      kind: 'unusable',
      error: { code: 'LOGIN_DENIED', message: 'The sign-in service has not registered this program.' },
    })
  })
})

describe('the answer to a later sign-in', () => {
  test.each(['', '&client_id=', `&client_id=${OURS}`])('may name the client or not: %j', (client) => {
    expect(judge(`code=ac_1&state=${STATE}${client}`, OURS)).toEqual({ kind: 'code', code: 'ac_1', clientId: OURS })
  })

  test.each(['oaiapp_FAKE-2', 'dynamic_agent_client', `${OURS}x`, OURS.toUpperCase()])(
    'is of no use for %s, which is not repeated',
    (client) => {
      const verdict = judge(`code=ac_1&state=${STATE}&client_id=${client}`, OURS)
      expect(verdict).toMatchObject({ kind: 'unusable', error: { code: 'LOGIN_DENIED' } })
      expect(JSON.stringify(verdict)).not.toContain(client)
    },
  )
})

describe('left alone is', () => {
  test.each([
    ['another state, before any client is looked at', `code=ac_1&state=guessed&client_id=%3Cb%3E`],
    ['no code', `state=${STATE}&client_id=${OURS}`],
    ['another issuer', `code=ac_1&state=${STATE}&client_id=${OURS}&iss=https%3A%2F%2Fevil.example`],
    ['the client twice', `code=ac_1&state=${STATE}&client_id=${OURS}&client_id=${OURS}`],
    ['the scope twice', `code=ac_1&state=${STATE}&client_id=${OURS}&scope=a&scope=a`],
    ['what nobody knows, twice', `code=ac_1&state=${STATE}&client_id=${OURS}&x=1&x=2`],
    ['a no that comes twice', `error=access_denied&error=access_denied&state=${STATE}`],
  ])('%s', (_, query) => {
    expect(judge(query)).toEqual({ kind: 'ignore' })
  })
})

test('a no needs no client', () => {
  expect(judge(`error=access_denied&state=${STATE}`)).toMatchObject({ kind: 'denied', error: 'access_denied' })
})

test('our issuer is no reason to turn away', () => {
  expect(judge(`code=ac_1&state=${STATE}&iss=${encodeURIComponent(ISSUER)}`, OURS)).toMatchObject({ kind: 'code' })
})
