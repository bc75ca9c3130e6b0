import { expect, test } from 'vitest'
import { isLoopbackHost } from '../../src/infrastructure/loopback-host.ts'

test.each(['localhost', '127.0.0.1', '127.8.8.8', '[::1]'])('%s is this machine', (host) => {
  expect(isLoopbackHost(host)).toBe(true)
})

test.each([
  '',
  '::1',
  'localhost.',
  'x.localhost',
  'localhost.x.test',
  '127.0.0.1.x.test',
  '127.0.0',
  '128.0.0.1',
  '[::]',
])('%s may be anybody', (host) => {
  expect(isLoopbackHost(host)).toBe(false)
})
