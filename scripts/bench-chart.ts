import { type Growth, isMissed, type Measured, numberWords, type Report, spreadWords } from './bench-figures.ts'

/** The report as SVG: nothing loaded, no script, so that every viewer shows the same. */

const FONT = 'system-ui, -apple-system, Segoe UI, Roboto, sans-serif'
const WIDTH = 920
const LEFT = 390
const BAR_WIDTH = 270
const ROW = 26
const PLOT = { width: 330, height: 190 }
const COLOURS = ['#0969da', '#bc4c00', '#1a7f37', '#8250df', '#57606a']
const RED = '#cf222e'
const GREY = '#57606a'

export function benchChart({ machine, start, query, growth, calls }: Report): string {
  const measured = [...start, ...query, ...(typeof calls === 'string' ? [] : calls)]
  const bars = measured.map((one, index) => barOf(one, 70 + index * ROW))
  const plotTop = 70 + measured.length * ROW + 50
  const height = plotTop + PLOT.height + 70
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img">`,
    '<title>What npm run bench measured</title>',
    `<rect width="${WIDTH}" height="${height}" rx="10" fill="#ffffff"/>`,
    `<g font-family="${FONT}" font-size="12" fill="#1f2328">`,
    text(
      20,
      28,
      'Medians, with minimum and maximum; the dashed line is the target',
      'font-size="15" font-weight="600"',
    ),
    text(20, 47, machine, `fill="${GREY}"`),
    ...bars,
    text(20, plotTop - 14, 'Time of one question as there is more of something', 'font-size="15" font-weight="600"'),
    ...plotOf(growth, plotTop),
    '</g>',
    '</svg>',
  ].join('\n')}\n`
}

/** Each on a scale of its own: only the target and the spread can be compared. */
function barOf(one: Measured, y: number): string {
  const { name, unit, median, min, max, target } = one
  const scale = BAR_WIDTH / Math.max(median * 1.4, (target ?? 0) * 1.2, 1e-9)
  const at = (value: number) => round(LEFT + Math.min(value * scale, BAR_WIDTH))
  const middle = y + 8
  return [
    text(20, y + 12, name),
    `<rect x="${LEFT}" y="${y}" width="${round(at(median) - LEFT)}" height="16" rx="2" fill="${isMissed(one) ? RED : '#54aeff'}"/>`,
    `<path d="M${at(min)} ${middle}H${at(max)}M${at(min)} ${y + 4}v8M${at(max)} ${y + 4}v8" stroke="#1f2328" fill="none"/>`,
    target === undefined
      ? ''
      : `<path d="M${at(target)} ${y - 3}v22" stroke="#1f2328" stroke-width="1.5" stroke-dasharray="3 2"/>`,
    text(LEFT + BAR_WIDTH + 12, y + 12, spreadWords(one, unit), isMissed(one) ? `fill="${RED}"` : ''),
  ].join('')
}

/** Both axes in powers of ten: the grey diagonal is what linear growth would be. */
function plotOf(growth: readonly Growth[], top: number): string[] {
  const bottom = top + PLOT.height
  const ratios = growth.flatMap(({ points }) => points.map(({ ratio }) => ratio.median))
  const decades = Math.max(1, Math.ceil(Math.log10(Math.max(...ratios, 1))))
  const x = (count: number) => round(60 + (Math.log10(count) / 3) * PLOT.width)
  const y = (ratio: number) => round(bottom - (Math.max(0, Math.log10(ratio)) / decades) * PLOT.height)
  const axis = [
    `<path d="M60 ${top}V${bottom}H${60 + PLOT.width}" stroke="${GREY}" fill="none"/>`,
    `<path d="M60 ${bottom}L${x(10 ** decades)} ${top}" stroke="#d0d7de" stroke-dasharray="4 3"/>`,
    ...[1, 10, 100, 1_000].map((count) => text(x(count), bottom + 18, `${count}`, 'text-anchor="middle"')),
    ...Array.from({ length: decades + 1 }, (_, power) =>
      text(52, y(10 ** power) + 4, `${10 ** power}×`, 'text-anchor="end"'),
    ),
  ]
  const lines = growth.flatMap(({ points, name, of }, index) => {
    const colour = COLOURS[index % COLOURS.length]
    const places = points.map(({ count, ratio }) => [x(count), y(ratio.median)] as const)
    const last = points.at(-1)
    const figure = last === undefined ? '' : `: ${numberWords(last.ratio.median, '×')} with ${last.count} ${of}`
    const row = top + 14 + index * 22
    return [
      `<polyline points="${places.map((place) => place.join(',')).join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>`,
      ...places.map(([cx, cy]) => `<circle cx="${cx}" cy="${cy}" r="3" fill="${colour}"/>`),
      `<rect x="410" y="${row - 9}" width="10" height="10" fill="${colour}"/>`,
      text(426, row, `${name}${figure}`),
    ]
  })
  return [...axis, ...lines]
}

function text(x: number, y: number, words: string, more = ''): string {
  const escaped = words.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)
  return `<text x="${x}" y="${y}"${more === '' ? '' : ` ${more}`}>${escaped}</text>`
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
