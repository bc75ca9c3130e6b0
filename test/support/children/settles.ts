/**
 * Asks for one text per round, all such programs at the same moment, each with a text of its own to offer, and reports
 * what it got: `settles <folder> <rounds> link|plain`, `plain` for a file system without hard links. The message that
 * starts it is the wall-clock time of the first round.
 */
import { randomBytes } from 'node:crypto'
import { linkSync } from 'node:fs'
import { settledText } from '../../../src/infrastructure/settled-text.ts'
import { finish, ready } from './parent.ts'

const [folder = '', rounds = '1', kind = 'link'] = process.argv.slice(2)
const noLinks = () => {
  throw Object.assign(new Error('no hard links here'), { code: 'ENOTSUP' })
}
const firstAt = Number(await ready())
const texts: string[] = []
for (let round = 0; round < Number(rounds); round++) {
  // Spinning, because a timer would spread them over a millisecond.
  while (Date.now() < firstAt + round * 20);
  const make = () => `${randomBytes(16).toString('hex')}\n`
  const options = { make, isWhole: (text: string) => text.length === 33, link: kind === 'link' ? linkSync : noLinks }
  texts.push(settledText(`${folder}/${round}`, options))
}
finish(texts)
