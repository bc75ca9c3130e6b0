/**
 * `npm run check:release`, in the release workflow: does the tag fit, is the repository the one that is named, is
 * `server.json` what its own schema asks for. The schema is read from where `$schema` points.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Schema, Validator } from '@cfworker/json-schema'
import { releaseProblems } from './release-problems.ts'

const read = (name: string) => readFileSync(join(import.meta.dirname, '..', name), 'utf8')
const { GITHUB_REPOSITORY: repository, GITHUB_REF_NAME: tag } = process.env
if (!repository || !tag) {
  process.stderr.write('GITHUB_REPOSITORY (owner/name) and GITHUB_REF_NAME (the tag) are needed.\n')
  process.exit(2)
}
const facts = { packageFile: JSON.parse(read('package.json')), changelog: read('CHANGELOG.md'), repository, tag }
const problems = [...releaseProblems(facts), ...(await schemaProblems(JSON.parse(read('server.json'))))]
for (const problem of problems) process.stderr.write(`✗ ${problem}\n`)
if (problems.length === 0) process.stdout.write(`✓ ${tag} can be released from ${repository}.\n`)
process.exitCode = problems.length === 0 ? 0 : 1

async function schemaProblems(server: { $schema: string }): Promise<string[]> {
  try {
    const response = await fetch(server.$schema, { signal: AbortSignal.timeout(30_000) })
    if (!response.ok) throw new Error(`status ${response.status}`)
    const { errors } = new Validator((await response.json()) as Schema, '7', false).validate(server)
    return errors.map(({ instanceLocation, error }) => `server.json, ${instanceLocation}: ${error}`)
  } catch (error) {
    return [`${server.$schema} could not be read: ${error instanceof Error ? error.message : error}`]
  }
}
