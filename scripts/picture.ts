/** Windows as SVG: text only, nothing loaded, no script, so that every viewer shows the same. */

const MONO = 'ui-monospace, SFMono-Regular, Menlo, Consolas, monospace'
const SANS = 'system-ui, -apple-system, Segoe UI, Roboto, sans-serif'

const COLUMNS = 96
const COLUMN_WIDTH = 7.9
const LINE_HEIGHT = 21
const BAR = 40

/** Of the styles that the command line uses, by their number in an escape sequence. */
const STYLES: Readonly<Record<string, string>> = {
  1: 'font-weight="700"',
  2: 'fill="#8b949e"',
  31: 'fill="#ff7b72"',
  32: 'fill="#7ee787"',
  33: 'fill="#e3b341"',
}

interface Span {
  style: string
  text: string
}

/** What a terminal of 96 columns shows, with the commands that were typed. */
export function terminalPicture(title: string, output: string): string {
  const lines = output.trimEnd().split('\n').flatMap(rowsOf)
  const rows = lines.map((spans, index) => {
    const words = spans.map(({ style, text }) => `<tspan${style === '' ? '' : ` ${style}`}>${escaped(text)}</tspan>`)
    return `<text x="20" y="${BAR + 28 + index * LINE_HEIGHT}" xml:space="preserve">${words.join('')}</text>`
  })
  const height = BAR + 28 + lines.length * LINE_HEIGHT
  const width = Math.ceil(COLUMNS * COLUMN_WIDTH) + 40
  return svg(width, height, title, [
    `<rect width="${width}" height="${height}" rx="10" fill="#0d1117"/>`,
    buttons(),
    `<g font-family="${MONO}" font-size="13" fill="#e6edf3">`,
    ...rows,
    '</g>',
  ])
}

/** A page of a heading and paragraphs in a browser's window, with the sizes of its style sheet. */
export function browserPicture(title: string, address: string, html: string): string {
  const width = 800
  const height = 340
  // 32rem in the middle, a fifth of the height from above.
  const left = (width - 512) / 2
  const [heading = ''] = textsOf(html, 'h1')
  const top = BAR + (height - BAR) * 0.2 + 25
  const paragraphs = textsOf(html, 'p').flatMap((text) => [...wrapped(text, 60), ''])
  return svg(width, height, title, [
    `<rect x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="10" fill="#ffffff" stroke="#d0d7de"/>`,
    `<path d="M0.5 ${BAR}V10.5a10 10 0 0 1 10-10h${width - 21}a10 10 0 0 1 10 10V${BAR}z" fill="#f6f8fa" stroke="#d0d7de"/>`,
    buttons(),
    `<rect x="84" y="8" width="${width - 104}" height="24" rx="12" fill="#ffffff" stroke="#d0d7de"/>`,
    `<text x="100" y="24.5" font-family="${SANS}" font-size="12" fill="#57606a">${escaped(address)}</text>`,
    `<g font-family="${SANS}" font-size="16" fill="#000000">`,
    `<text x="${left}" y="${top}" font-size="22.4" font-weight="600">${escaped(heading)}</text>`,
    ...paragraphs.flatMap((text, index) =>
      text === '' ? [] : [`<text x="${left}" y="${top + 46 + index * 20.8}">${escaped(text)}</text>`],
    ),
    '</g>',
  ])
}

function svg(width: number, height: number, title: string, content: readonly string[]): string {
  const head = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">`
  return `${[head, `<title>${escaped(title)}</title>`, ...content, '</svg>'].join('\n')}\n`
}

function buttons(): string {
  const colours = ['#ff5f57', '#febc2e', '#28c840']
  return colours.map((colour, index) => `<circle cx="${22 + index * 20}" cy="20" r="6" fill="${colour}"/>`).join('')
}

/** A line as it stands in the terminal: at most so wide, words whole. */
function rowsOf(line: string): Span[][] {
  const rows: Span[][] = [[]]
  let column = 0
  for (const { style, text } of spansOf(line)) {
    for (const word of text.match(/\s+|\S+/g) ?? []) {
      if (column > 0 && column + word.length > COLUMNS) {
        rows.push([])
        column = 0
        if (word.trim() === '') continue
      }
      append(rows.at(-1) ?? [], { style, text: word })
      column += word.length
    }
  }
  return rows
}

function append(row: Span[], { style, text }: Span): void {
  const last = row.at(-1)
  if (last?.style === style) last.text += text
  else row.push({ style, text })
}

function spansOf(line: string): Span[] {
  let style = ''
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what a colour begins with
  return line.split(/(\u001b\[\d*m)/).flatMap((piece) => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the same
    const [, code] = /^\u001b\[(\d*)m$/.exec(piece) ?? []
    if (code === undefined) return piece === '' ? [] : [{ style, text: piece }]
    style = STYLES[code] ?? ''
    return []
  })
}

function textsOf(html: string, tag: string): string[] {
  return [...html.matchAll(new RegExp(`<${tag}>(.*?)</${tag}>`, 'gs'))].map(([, inner = '']) =>
    inner.replace(/&#(\d+);/g, (_all, code) => String.fromCharCode(Number(code))),
  )
}

function wrapped(text: string, width: number): string[] {
  return text.match(new RegExp(`.{1,${width}}(?:\\s|$)`, 'g'))?.map((line) => line.trim()) ?? []
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)
}
