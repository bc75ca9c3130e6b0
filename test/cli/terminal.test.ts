import { describe, expect, test } from 'vitest'
import { createTerminal } from '../../src/cli/terminal.ts'

const ESC = '\u001b'

function terminalWith({ tty = true, env = {}, columns = 20 }: { tty?: boolean; env?: object; columns?: number } = {}) {
  const written: string[] = []
  const output = (name: string) => ({
    isTTY: tty,
    columns,
    write: (text: string) => void written.push(`${name}:${text}`),
  })
  const terminal = createTerminal({ stdout: output('out'), stderr: output('err'), env: { TERM: 'xterm', ...env } })
  return { terminal, written }
}

describe('colour', () => {
  const red = { style: 'red', text: 'x' } as const
  test.each<[string, boolean, object, boolean]>([
    ['on a terminal', true, {}, true],
    ['not in a pipe', false, {}, false],
    ['not with NO_COLOR', true, { NO_COLOR: '1' }, false],
    ['an empty NO_COLOR says nothing', true, { NO_COLOR: '' }, true],
    ['not on a dumb terminal', true, { TERM: 'dumb' }, false],
    ['in a pipe with FORCE_COLOR', false, { FORCE_COLOR: '1' }, true],
    ['FORCE_COLOR counts more than NO_COLOR', false, { FORCE_COLOR: '1', NO_COLOR: '1' }, true],
    ['not with FORCE_COLOR=0', true, { FORCE_COLOR: '0' }, false],
  ])('%s', (_, tty, env, isColoured) => {
    const { terminal, written } = terminalWith({ tty, env })
    terminal.print(red)
    terminal.say('a ', red)
    const x = isColoured ? `${ESC}[31mx${ESC}[0m` : 'x'
    expect(written).toEqual([`out:${x}\n`, `err:a ${x}\n`])
  })
})

describe('progress', () => {
  test('is one line that the next thing written takes the place of', () => {
    const { terminal, written } = terminalWith()
    terminal.progress('one')
    terminal.progress('one')
    terminal.progress('two')
    terminal.write('text')
    terminal.tidy()
    expect(written).toEqual([`err:\r${ESC}[Kone`, `err:\r${ESC}[Ktwo`, `err:\r${ESC}[K`, 'out:text', 'out:\n'])
  })

  test('never wraps', () => {
    const { terminal, written } = terminalWith({ columns: 10 })
    terminal.progress('line\none, and more')
    expect(written).toEqual([`err:\r${ESC}[Kline one,`])
  })

  test('is whole where nobody knows how wide a line is', () => {
    const { terminal, written } = terminalWith({ columns: 0 })
    terminal.progress('one')
    expect(written).toEqual([`err:\r${ESC}[Kone`])
  })

  test.each([
    ['a pipe', { tty: false }],
    ['a dumb terminal', { env: { TERM: 'dumb' } }],
  ])('is not for %s', (_, options) => {
    const { terminal, written } = terminalWith(options)
    terminal.progress('one')
    terminal.tidy()
    expect(written).toEqual([])
  })
})

describe('text that is not ours', () => {
  const evil = `a${ESC}[2J${ESC}]0;title\u0007b\u009b31mc\rd\u007fe\tf\ng\u0000`

  test('cannot steer a terminal, whole or in bits', () => {
    const { terminal, written } = terminalWith()
    terminal.write(evil)
    for (const letter of evil) terminal.write(letter)
    terminal.print(evil)
    terminal.say({ style: 'bold', text: evil })
    terminal.progress(evil)
    const text = written.join('').replaceAll(`\r${ESC}[K`, '').replaceAll(`${ESC}[1m`, '').replaceAll(`${ESC}[0m`, '')
    expect(text).toContain('a[2J]0;titleb31mcde\tf\ng')
    expect(text).not.toMatch(/(?![\n\t])\p{Cc}/u)
  })

  test('goes into a pipe as it is', () => {
    const { terminal, written } = terminalWith({ tty: false })
    terminal.write(evil)
    expect(written).toEqual([`out:${evil}`])
  })
})

test('a line for the person does not continue one of the answer', () => {
  const { terminal, written } = terminalWith()
  terminal.write('half a line')
  terminal.say('oh')
  terminal.write('whole\n')
  terminal.say('no')
  expect(written).toEqual(['out:half a line', 'out:\n', 'err:oh\n', 'out:whole\n', 'err:no\n'])
})

test('a pipe gets what is written and not a byte more', () => {
  const { terminal, written } = terminalWith({ tty: false })
  terminal.write('half a line')
  terminal.tidy()
  terminal.say('oh')
  expect(written).toEqual(['out:half a line', 'err:oh\n'])
})

test('muted, it writes nothing', () => {
  const { terminal, written } = terminalWith()
  terminal.mute()
  terminal.write('a')
  terminal.print('a')
  terminal.say('a')
  terminal.progress('a')
  terminal.tidy()
  expect(written).toEqual([])
})
