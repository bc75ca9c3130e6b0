import { expect, test } from 'vitest'
import { SERVER } from '../support/built-server.ts'
import { measureStream } from '../support/stream-memory.ts'

const MIB = 1_048_576

/** The short form of `npm run test:memory`, which reads 200 MB. */
test('a stream of 64 MB is read in the memory that its answer takes', async () => {
  const { read, more, characters } = await measureStream(SERVER, 64 * MIB)
  expect(read).toBeGreaterThanOrEqual(64 * MIB)
  expect(characters).toBeGreaterThan(1_000_000)
  expect(more / MIB).toBeLessThan(40)
}, 60_000)
