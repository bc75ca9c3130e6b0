/** Writes the README's tables of tools and settings from the code. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { withTables } from '../test/support/readme-tables.ts'

const readme = join(import.meta.dirname, '..', 'README.md')
writeFileSync(readme, withTables(readFileSync(readme, 'utf8')))
