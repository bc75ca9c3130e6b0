import { readFileSync } from 'node:fs'

/** The text of a file in `test/fixtures/wire`, e.g. `sse-hello.txt`. */
export function fixture(name: string): string {
  return readFileSync(new URL(`../fixtures/wire/${name}`, import.meta.url), 'utf8')
}
