import { expect, test } from 'vitest'
import { z } from 'zod'
import { defineTool, listed } from '../../src/tools/tool.ts'

const annotations = { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false }
const about = { name: 'do_it', title: 'It', description: 'Does it.', annotations }

test('a tool is listed with what hosts read, and nothing else', () => {
  const input = () => z.strictObject({ words: z.string().default('none').describe('What to say') })
  const tool = defineTool({ ...about, input, local: true, meta: { size: 1 }, run: async () => ({ texts: [] }) })
  expect(listed(tool)).toEqual({
    name: 'do_it',
    title: 'It',
    description: 'Does it.',
    // An argument with a default need not be given: this is the schema of what comes in.
    inputSchema: {
      type: 'object',
      properties: { words: { type: 'string', default: 'none', description: 'What to say' } },
      additionalProperties: false,
    },
    annotations: { title: 'It', ...annotations },
    _meta: { size: 1 },
  })
})

test('loose objects are listed without an empty schema for the rest, at any depth', () => {
  const output = () => z.looseObject({ inner: z.looseObject({ list: z.array(z.looseObject({ id: z.string() })) }) })
  const tool = defineTool({ ...about, input: () => z.strictObject({}), output, run: async () => ({ structured: {} }) })
  const { outputSchema } = listed(tool)
  expect(outputSchema).toMatchObject({ type: 'object', required: ['inner'] })
  expect(JSON.stringify(outputSchema)).not.toContain('additionalProperties')
})
