/** Addresses that look like the good one, as strangers or accidents make them; none may end or complete the sign-in. */
export function hostileAddresses(good: string): string[] {
  const change = (edit: (url: URL) => void) => {
    const url = new URL(good)
    edit(url)
    return url.href
  }
  return [
    'done',
    change(({ searchParams }) => searchParams.set('state', 'x'.repeat(43))),
    change(({ searchParams }) => searchParams.delete('state')),
    change(({ searchParams }) => searchParams.append('state', 'y')),
    change(({ searchParams }) => searchParams.set('state', '')),
    change(({ searchParams }) => searchParams.delete('code')),
    change(({ searchParams }) => searchParams.append('code', 'FAKE-other')),
    change(({ searchParams }) => searchParams.set('code', '')),
    change(({ searchParams }) => searchParams.set('code', 'a b')),
    change(({ searchParams }) => searchParams.set('code', 'x'.repeat(5_000))),
    change(({ searchParams }) => searchParams.set('iss', 'https://evil.example')),
    change(({ searchParams }) => searchParams.append('error', 'access_denied')),
    change((url) => (url.host = 'evil.example')),
    change((url) => (url.port = '1')),
    change((url) => (url.pathname = '/auth/callback/x')),
    change((url) => (url.protocol = 'https:')),
    good.replace('http://', 'http://evil.example@'),
    `${good}${'&x=y'.repeat(10_000)}`,
    `https://evil.example/#${good}`,
  ]
}
