import { describe, expect, test } from 'vitest'
import { browserPicture, terminalPicture } from '../scripts/picture.ts'
import { successPage } from '../src/services/sign-in/sign-in-pages.ts'
import { readProject } from './support/project.ts'

const { text, list } = readProject
const wordsOf = (svg: string) =>
  svg
    .replace(/<[^>]*>/g, '\n')
    .replace(/&#(\d+);/g, (_all, code) => String.fromCharCode(Number(code)))
    .replace(/\s+/g, ' ')

describe('the pictures of the README show what there is today (npm run pictures draws them):', () => {
  test.each(list('docs/pictures'))('%s is in the README, loads nothing and runs nothing', (name) => {
    expect(text('README.md')).toContain(`docs/pictures/${name}`)
    expect(text(`docs/pictures/${name}`)).not.toMatch(/<script|<image|<foreignObject|href|url\(|\son\w+=/i)
  })

  test('the page on which a sign-in ends', () => {
    const page = successPage().replace(/<style>[\s\S]*<\/style>/, '')
    const [, heading = ''] = /<h1>(.*)<\/h1>/.exec(page) ?? []
    const paragraphs = [...page.matchAll(/<p>(.*?)<\/p>/g)].map(([, paragraph]) => paragraph)
    for (const words of [heading, ...paragraphs]) expect(wordsOf(text('docs/pictures/sign-in.svg'))).toContain(words)
  })

  test('an answer in the terminal', () => {
    const shown = wordsOf(text('docs/pictures/answer.svg'))
    expect(shown).toMatch(
      /\$ codex-oauth-mcp ask --file cart\.ts ".*" .*Answered by Codex \(\S+\) · .* · answer a-\w{10}/,
    )
    expect(shown).toContain('Sent: cart.ts (')
  })
})

describe('drawing', () => {
  test('a long line goes on in the next row, words whole and in their colour', () => {
    const svg = terminalPicture('t', `\u001b[2m${'word '.repeat(30)}\u001b[0mend\n`)
    expect(svg.match(/<text /g)).toHaveLength(2)
    expect(wordsOf(svg).match(/word/g)).toHaveLength(30)
    expect(svg).toContain('<tspan>end</tspan>')
  })

  test('what is shown stays text', () => {
    const hostile = '<script>alert("1")</script>'
    expect(terminalPicture(hostile, hostile)).not.toContain('<script')
    expect(browserPicture('t', hostile, `<h1>&#60;script&#62;</h1><p>${'a '.repeat(80)}</p>`)).not.toContain('<script')
  })
})
