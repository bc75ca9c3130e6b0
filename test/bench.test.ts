import { describe, expect, test } from 'vitest'
import { benchChart } from '../scripts/bench-chart.ts'
import {
  growthVerdict,
  isMissed,
  perUnitGrowth,
  type Report,
  ratios,
  reportTable,
  spreadOf,
} from '../scripts/bench-figures.ts'
import { readProject } from './support/project.ts'

const { text, json } = readProject
const one = { median: 1, min: 1, max: 1 }
const growth = (...medians: number[]) => {
  const points = medians.map((median, index) => ({ count: 10 ** (index + 1), ratio: { ...one, median } }))
  const perUnit = perUnitGrowth(points.map(({ count, ratio }) => ({ count, ms: ratio.median })))
  return { name: 'a question', of: 'turns', points, perUnit }
}

describe('the figures', () => {
  test('are medians with the least and the most', () => {
    expect(spreadOf([9, 1, 2])).toEqual({ median: 2, min: 1, max: 9 })
    expect(spreadOf([4, 1, 2, 3])).toEqual({ median: 2.5, min: 1, max: 4 })
    expect(() => spreadOf([])).toThrow()
  })

  test('are ratios within one round', () => {
    expect(ratios([2, 30], [1, 10])).toEqual({ median: 2.5, min: 2, max: 3 })
  })

  test('miss a target above it only', () => {
    const figure = { name: 'start', unit: '×' as const, ...one }
    expect(
      [1, 0.9, undefined].map((target) => isMissed(target === undefined ? figure : { ...figure, target })),
    ).toEqual([false, true, false])
  })

  test.each([
    { takes: [1, 1.9, 10.9], verdict: 'not worse than linear' },
    { takes: [1, 1.9, 30], verdict: 'WORSE than linear' },
    { takes: [1, 1.3, 7], verdict: 'each further one is DEARER' },
    { takes: [1, 1.1, 4], verdict: 'not worse than linear as a whole; the cost of one more is lost in the noise' },
  ])('of what takes $takes are called: $verdict', ({ takes, verdict }) => {
    expect(growthVerdict(growth(...takes))).toBe(verdict)
  })
})

describe('the last run', () => {
  const report = json('docs/bench/bench.json') as unknown as Report

  test('stands in the README and in the chart as it was measured', () => {
    expect(text('README.md')).toContain(reportTable(report))
    expect(text('docs/bench/bench.svg')).toBe(benchChart(report))
  })

  test('names no path, and its chart loads and runs nothing', () => {
    expect(report.machine).toMatch(/^Node v\d+/)
    expect(report.machine).not.toMatch(/[/\\]/)
    expect(text('docs/bench/bench.svg')).not.toMatch(/<script|<image|<foreignObject|href|url\(|\son\w+=/i)
  })
})
