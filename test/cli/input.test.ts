import { createReadStream, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { createInput } from '../../src/cli/input.ts'
import { errorOf } from '../support/error-of.ts'
import { tempFolder } from '../support/temp-folder.ts'

function inputWith({ isTTY = false } = {}) {
  const stdin = Object.assign(new PassThrough(), { isTTY, setRawMode: () => {} })
  return { stdin, input: createInput({ stdin: () => stdin, openFile: createReadStream, onInterrupt: () => {} }) }
}

describe('everything', () => {
  test('is text in UTF-8, wherever the bytes are split', async () => {
    const { stdin, input } = inputWith()
    const bytes = Buffer.from('Größe: 5 €')
    for (const byte of bytes) stdin.write(Buffer.of(byte))
    stdin.end()
    expect(await input.all(bytes.length)).toBe('Größe: 5 €')
  })

  test('is refused as soon as it is too much, though it may never end', async () => {
    const { stdin, input } = inputWith()
    stdin.write('x'.repeat(11))
    expect((await errorOf(input.all(10))).message).toBe('Standard input holds more than 10 bytes.')
    expect(stdin.destroyed).toBe(true)
  })

  test('is refused when it cannot be read', async () => {
    const { stdin, input } = inputWith()
    stdin.destroy(new Error('EISDIR'))
    expect(await errorOf(input.all(10))).toMatchObject({ code: 'INPUT_INVALID' })
  })
})

describe('a file that an option names', () => {
  function fileWith(bytes: string | Buffer) {
    const path = join(tempFolder(), 'file')
    writeFileSync(path, bytes)
    return path
  }
  const { input } = inputWith()

  test('is text in UTF-8, without the mark that some editors put in front', async () => {
    expect(await input.file(fileWith('\ufeffGröße'), 'schema', 100)).toBe('Größe')
  })

  test.each<[string, () => string, string]>([
    ['too large', () => fileWith('x'.repeat(11)), 'The file of --schema holds more than 10 bytes.'],
    ['not there', () => join(tempFolder(), 'nothing'), 'The file of --schema cannot be read.'],
    ['a folder', () => tempFolder(), 'The file of --schema cannot be read.'],
    ['without an end', () => '/dev/zero', 'The file of --schema holds more than 10 bytes.'],
  ])('is refused when it is %s', async (_, path, message) => {
    expect(await errorOf(input.file(path(), 'schema', 10))).toMatchObject({ code: 'INPUT_INVALID', message })
  })
})

describe('lines', () => {
  function lines() {
    const { stdin, input } = inputWith()
    const told: string[] = []
    input.onLine((line) => told.push(line))
    return { stdin, input, told }
  }

  test('are told as they come, trimmed, without the empty ones, also a last one without its end', async () => {
    const { stdin, told } = lines()
    for (const part of ['on', 'e\r\n\n', ' two \nth', 'r\u00e4']) stdin.write(part)
    stdin.end()
    await new Promise((resolve) => stdin.once('close', resolve))
    expect(told).toEqual(['one', 'two', 'thr\u00e4'])
  })

  test('need not come: an input that fails is an input without lines', async () => {
    const { stdin, told } = lines()
    stdin.destroy(new Error('EIO'))
    await new Promise((resolve) => stdin.once('close', resolve))
    expect(told).toEqual([])
  })
})

test('closed, it holds nothing any more, and what was never read is not touched', () => {
  const { stdin, input } = inputWith()
  input.onLine(() => {})
  input.close()
  expect(stdin.destroyed).toBe(true)
  const untouched = createInput({
    stdin: () => {
      throw new Error('touched')
    },
    openFile: createReadStream,
    onInterrupt: () => {},
  })
  untouched.close()
})

test('a hidden line ends where its input ends', async () => {
  const { stdin, input } = inputWith({ isTTY: true })
  const typed = input.secret(100, () => {})
  stdin.end('sk-FAKE')
  expect(await typed).toBe('sk-FAKE')
})
