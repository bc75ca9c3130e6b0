import { describe, expect, test } from 'vitest'
import { queryOfPasted } from '../../../src/services/sign-in/pasted-address.ts'
import { errorOf, shown } from '../../support/error-of.ts'

const REDIRECT = 'http://localhost:1455/auth/callback'
const QUERY = 'code=ac-FAKE-1&state=s_-~.x'

describe('the redirect is understood', () => {
  test.each([
    ['as it is', `${REDIRECT}?${QUERY}`],
    ['with blanks around it', `  ${REDIRECT}?${QUERY}\n`],
    ['without the scheme, as browsers show it', `localhost:1455/auth/callback?${QUERY}`],
    ['in angle brackets', `<${REDIRECT}?${QUERY}>`],
    ['in quotes', `"${REDIRECT}?${QUERY}"`],
    ['in backquotes', `\`${REDIRECT}?${QUERY}\``],
    ['with a fragment', `${REDIRECT}?${QUERY}#_=_`],
  ])('%s', (_, text) => {
    expect(queryOfPasted(text, REDIRECT)).toBe(QUERY)
  })
})

describe('everything else is refused, and never repeated', () => {
  test.each([
    ['nothing', ''],
    ['words', 'I am done'],
    ['the code alone', 'ac-FAKE-1'],
    ['the query alone', QUERY],
    ['no query', REDIRECT],
    ['https', `https://localhost:1455/auth/callback?${QUERY}`],
    ['another scheme', `javascript:alert(1)//${REDIRECT}?${QUERY}`],
    ['another host', `http://evil.example/auth/callback?${QUERY}`],
    ['a host that begins alike', `http://localhost:1455.evil.example/auth/callback?${QUERY}`],
    ['our host as a user name', `http://localhost:1455@evil.example/auth/callback?${QUERY}`],
    ['the other loopback name', `http://127.0.0.1:1455/auth/callback?${QUERY}`],
    ['another port', `http://localhost:1456/auth/callback?${QUERY}`],
    ['no port', `http://localhost/auth/callback?${QUERY}`],
    ['another path', `http://localhost:1455/callback?${QUERY}`],
    ['a path below', `http://localhost:1455/auth/callback/?${QUERY}`],
    ['dots in the path', `http://localhost:1455/x/../auth/callback?${QUERY}`],
    ['a second address', `${REDIRECT}?${QUERY} ${REDIRECT}?${QUERY}`],
    ['a line break inside', `${REDIRECT}?code=ac-FAKE-1\n&state=s`],
    ['a NUL', `${REDIRECT}?code=ac-FAKE-1\0&state=s`],
    ['letters of other scripts', `http://lоcalhost:1455/auth/callback?${QUERY}`],
    ['an address that is too long', `${REDIRECT}?code=ac-FAKE-${'x'.repeat(20_000)}`],
    ['the sign-in page', `https://auth.openai.com/oauth/authorize?${QUERY}`],
  ])('%s', async (_, text) => {
    const error = await errorOf(() => queryOfPasted(text, REDIRECT))
    expect(error.code).toBe('INPUT_INVALID')
    expect(shown(error)).not.toMatch(/FAKE|evil|s_-~/)
  })
})
