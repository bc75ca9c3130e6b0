import * as fs from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { settledText } from '../../src/infrastructure/settled-text.ts'
import { startChildren } from '../support/child.ts'
import { errorOf } from '../support/error-of.ts'
import { tempFolder } from '../support/temp-folder.ts'

const always = { isWhole: () => true }
const neverMade = () => {
  throw new Error('made')
}

test('the first who asks makes it, with its folder, for this user alone', () => {
  const file = join(tempFolder(), 'state', 'text')
  expect(settledText(file, { make: () => 'first', ...always })).toBe('first')
  expect(settledText(file, { make: neverMade, ...always })).toBe('first')
  expect(fs.readFileSync(file, 'utf8')).toBe('first')
  expect(fs.readdirSync(join(file, '..'))).toEqual(['text'])
  if (process.platform === 'win32') return
  expect(fs.statSync(file).mode & 0o777).toBe(0o600)
  expect(fs.statSync(join(file, '..')).mode & 0o777).toBe(0o700)
})

test.runIf(process.platform !== 'win32')('a link to a place where there is nothing yet leads there', () => {
  const folder = tempFolder()
  fs.symlinkSync(join(folder, 'elsewhere'), join(folder, 'text'))
  expect(settledText(join(folder, 'text'), { make: () => 'first', ...always })).toBe('first')
  expect(fs.readFileSync(join(folder, 'elsewhere'), 'utf8')).toBe('first')
})

test('what somebody is still writing is waited for', () => {
  const file = join(tempFolder(), 'text')
  fs.writeFileSync(file, 'ha')
  const isWhole = (text: string) => {
    if (text === 'ha') fs.appendFileSync(file, 'lf')
    return text === 'half'
  }
  expect(settledText(file, { make: neverMade, isWhole })).toBe('half')
})

test('what does not seem whole for half a second is returned as it is, and stays', () => {
  const file = join(tempFolder(), 'text')
  fs.writeFileSync(file, 'half')
  let looks = 0
  const isWhole = () => {
    looks += 1
    return false
  }
  expect(settledText(file, { make: neverMade, isWhole })).toBe('half')
  expect(looks).toBe(26)
  expect(fs.readFileSync(file, 'utf8')).toBe('half')
})

test('what cannot be a text, or cannot be read, is an error', async () => {
  const file = join(tempFolder(), 'text')
  fs.writeFileSync(file, Buffer.from([0xff, 0xfe, 0x00]))
  expect((await errorOf(() => settledText(file, { make: neverMade, ...always }))).code).toBe('STORAGE_CORRUPT')
  expect((await errorOf(() => settledText(join(file, '..'), { make: neverMade, ...always }))).code).toBe(
    'STORAGE_FAILED',
  )
})

test.each(['with hard links', 'without hard links'])('all who ask at once get the same, %s', async (links) => {
  const folder = tempFolder()
  const rounds = 40
  const args = [folder, String(rounds), links === 'with hard links' ? 'link' : 'plain']
  const children = await startChildren('settles', [args, args, args, args])
  const firstAt = Date.now() + 20
  for (const child of children) child.tell(firstAt)
  const [first, ...others] = await Promise.all(children.map((child) => child.next()))
  expect(new Set(first as string[]).size).toBe(rounds)
  for (const texts of others) expect(texts).toEqual(first)
})
