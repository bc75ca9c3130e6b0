/** What the benchmark says, and how it is worked out; pure. */

export interface Spread {
  median: number
  min: number
  max: number
}

export interface Measured extends Spread {
  name: string
  /** `×`: a ratio. */
  unit: '×' | 'ms' | 'MB' | 'calls'
  /** What issue 6 asks for, where it asks. */
  target?: number
}

export interface Growth {
  name: string
  /** What is counted: turns, keys, files. */
  of: string
  points: readonly { count: number; ratio: Spread }[]
  /** What one more costs at the last step, in terms of one more at the step before. */
  perUnit: number | undefined
}

export interface Report {
  machine: string
  start: readonly Measured[]
  query: readonly Measured[]
  growth: readonly Growth[]
  /** Of the credentials, for one question; or why there are none. */
  calls: readonly Measured[] | string
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle]
  const lower = sorted[sorted.length % 2 === 0 ? middle - 1 : middle]
  if (upper === undefined || lower === undefined) throw new Error('Nothing was measured.')
  return { median: (lower + upper) / 2, min: sorted[0] ?? upper, max: sorted.at(-1) ?? upper }
}

/** Of two things that were measured in turns: each ratio is that of one round. */
export function ratios(values: readonly number[], base: readonly number[]): Spread {
  return spreadOf(values.map((value, round) => value / (base[round] ?? Number.NaN)))
}

/** A first step that adds less than this part of the whole time is lost in the noise of the rounds. */
const SEEN_FROM = 0.2

/**
 * What one more costs at the last step, in terms of one more at the step before: 1 is linear, 2 doubles. Undefined where
 * the step before is lost in the noise: nothing can be told in terms of it.
 */
export function perUnitGrowth(points: readonly { count: number; ms: number }[]): number | undefined {
  const [first, middle, last] = points.slice(-3)
  if (first === undefined || middle === undefined || last === undefined) return undefined
  const before = (middle.ms - first.ms) / (middle.count - first.count)
  const after = (last.ms - middle.ms) / (last.count - middle.count)
  return middle.ms < first.ms * (1 + SEEN_FROM) ? undefined : Math.max(0, after) / before
}

export function isMissed({ median, target }: Measured): boolean {
  return target !== undefined && median > target
}

/** Noise included, so that one more of something is called dearer only when it is. */
const LINEAR_WITHIN = 1.3

/** Whether the whole took more times longer than there was more of it, or each further one got dearer. */
export function growthVerdict({ points, perUnit }: Growth): string {
  const steps = points.slice(1).map((point, index) => {
    const before = points[index] ?? point
    return point.ratio.median / before.ratio.median / (point.count / Math.max(1, before.count))
  })
  if (steps.some((step) => step > LINEAR_WITHIN)) return 'WORSE than linear'
  if (perUnit === undefined) return 'not worse than linear as a whole; the cost of one more is lost in the noise'
  return perUnit > LINEAR_WITHIN ? 'each further one is DEARER' : 'not worse than linear'
}

export function numberWords(value: number, unit: Measured['unit']): string {
  if (unit === '×') return `${value.toFixed(2)}×`
  return `${unit === 'calls' || value >= 100 ? Math.round(value) : value.toFixed(1)} ${unit}`
}

export function spreadWords({ median, min, max }: Spread, unit: Measured['unit']): string {
  const figure = (value: number) => numberWords(value, unit).replace(/[^\d.-]/g, '')
  return `${numberWords(median, unit)} (${figure(min)}–${figure(max)})`
}

/** The report as the README shows it. */
export function reportTable({ start, query, growth, calls }: Report): string {
  const measured = [...start, ...query, ...(typeof calls === 'string' ? [] : calls)].map((one) => {
    const wanted = one.target === undefined ? '–' : `≤ ${numberWords(one.target, one.unit)}`
    const verdict = one.target === undefined ? '' : isMissed(one) ? '**missed**' : 'met'
    return [one.name, spreadWords(one, one.unit), wanted, verdict]
  })
  const grown = growth.map((one) => {
    const figures = one.points.map(({ count, ratio }) => `${count}: ${numberWords(ratio.median, '×')}`)
    return [`${one.name}, by ${one.of}`, figures.join(', '), 'linear', growthVerdict(one)]
  })
  const untaken = typeof calls === 'string' ? [['system calls on the credentials', 'not run', '–', calls]] : []
  const head = ['what', 'median (min–max)', 'target', '']
  return [head, head.map(() => '---'), ...measured, ...grown, ...untaken]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n')
}
