import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A case that went wrong once. */
export interface KeptCase {
  /** What went wrong with it. */
  found: string
  case: unknown
}

const FOLDER = join(import.meta.dirname, '..', '..', 'fixtures', 'fuzz')

/** By the name of the target. */
export function keptCases(): Record<string, KeptCase[]> {
  const names = readdirSync(FOLDER).filter((name) => name.endsWith('.json'))
  return Object.fromEntries(names.map((name) => [name.slice(0, -'.json'.length), readCases(join(FOLDER, name))]))
}

/** Adds one, unless it is there. Says in which file. */
export function keepCase(target: string, kept: KeptCase): string {
  mkdirSync(FOLDER, { recursive: true })
  const file = join(FOLDER, `${target}.json`)
  const all = keptCases()[target] ?? []
  if (all.some((other) => JSON.stringify(other.case) === JSON.stringify(kept.case))) return file
  writeFileSync(file, `${JSON.stringify([...all, kept], null, 2)}\n`)
  return file
}

function readCases(file: string): KeptCase[] {
  return JSON.parse(readFileSync(file, 'utf8'))
}
