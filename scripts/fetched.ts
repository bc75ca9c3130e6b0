import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const cache = join(import.meta.dirname, '..', 'node_modules', '.cache', 'codex-oauth')

/**
 * The folder with these packages, `name@version` each, from the registry the first time: what only a few scripts need, and
 * is too large for everybody's `npm ci`.
 */
export function fetched(...packages: readonly string[]): string {
  const folder = join(cache, packages.join('+').replaceAll('/', '-'))
  const done = join(folder, 'complete')
  if (existsSync(done)) return join(folder, 'node_modules')
  console.log(`Fetching ${packages.join(', ')} (once)`)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n')
  const options = ['--no-audit', '--no-fund', '--loglevel=error', '--engine-strict=false']
  execFileSync('npm', ['install', ...options, ...packages], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] })
  writeFileSync(done, '')
  return join(folder, 'node_modules')
}

/** The newest versions of a package, the newest first. */
export function newestVersions(name: string, count: number): string[] {
  const versions = JSON.parse(
    execFileSync('npm', ['view', name, 'versions', '--json'], { encoding: 'utf8' }),
  ) as string[]
  return versions
    .filter((version) => /^\d+\.\d+\.\d+$/.test(version))
    .sort((one, other) => compare(other, one))
    .slice(0, count)
}

function compare(one: string, other: string): number {
  const [a = [], b = []] = [one, other].map((version) => version.split('.').map(Number))
  return a.map((part, index) => part - (b[index] ?? 0)).find((difference) => difference !== 0) ?? 0
}

/** A Node of at least this major version: this one, or one from the registry (Linux and macOS packages have it). */
export function nodeOf(major: number): string {
  if (Number(process.versions.node.split('.')[0]) >= major) return process.execPath
  const name = `node-${process.platform}-${process.arch}`
  return join(fetched(`${name}@${major}`), name, 'bin', 'node')
}
