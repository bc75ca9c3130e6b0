import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readSource, textsOf } from './support/source-text.ts'

const src = join(import.meta.dirname, '..', 'src')

/** Every file of `src`, by its path there. */
const FILES = Object.fromEntries(
  readdirSync(src, { recursive: true, encoding: 'utf8' })
    .map((name) => name.replaceAll('\\', '/'))
    .filter((name) => name.endsWith('.ts'))
    .map((name) => [name, readFileSync(join(src, name), 'utf8')]),
)

/** What the plan route consists of: its own files, and those that nobody else needs. */
const isOfPlan = (name: string) => /\/(plan-|discovery|issuer-document|id-token|signed-jwt)/.test(name)
const PLAN_FILES = Object.entries(FILES).filter(([name]) => isOfPlan(name))

/** The files that have a text with this in it, as often as they do. Comments are no texts. */
function filesWith(pattern: RegExp): string[] {
  const found = Object.entries(FILES).flatMap(([name, text]) =>
    textsOf(text).flatMap((words) => (pattern.test(words) ? [name] : [])),
  )
  return found.sort()
}

/** Comparisons with the name of a login or of a kind of credential. */
function routeQuestions(text: string): string[] {
  const name = `['"\`](?:codex|plan|chatgpt|chatgpt_plan|api_key|access_token)['"\`]`
  const question = new RegExp(
    `[!=]==?\\s*${name}|${name}\\s*[!=]==?|\\bcase\\s+${name}|(?:includes|has)\\(${name}`,
    'g',
  )
  return [...text.matchAll(question)].map(([found]) => found)
}

describe('the source of the plan route', () => {
  test('there is some', () => {
    expect(PLAN_FILES.length).toBeGreaterThan(12)
  })

  test('no client id is written down but the one of the Codex client, which is a setting, and the bootstrap one', () => {
    expect(filesWith(/(^|\W)(oai)?app_\w{5,}/)).toEqual(['config.ts'])
    expect(filesWith(/dynamic_agent_client/)).toEqual(['services/plan/plan-client.ts'])
  })

  test('the Codex backend and the client of the Codex login are unknown to it', () => {
    for (const [name, text] of PLAN_FILES) {
      const { code } = readSource(text)
      expect({
        name,
        texts: textsOf(text).filter((words) => /backend-api|chatgpt\.com\/(?!settings)|app_/.test(words)),
      }).toEqual({
        name,
        texts: [],
      })
      expect({ name, used: code.match(/config\.(clientId|baseUrl|originator|api|accessToken)\b/g) }).toEqual({
        name,
        used: null,
      })
      expect(
        textsOf(text).filter((words) => ['baseUrl', 'clientId', 'originator', 'clientVersion'].includes(words)),
      ).toEqual([])
    }
  })

  test('only the settings know where its questions go', () => {
    expect(filesWith(/^https:\/\/api\.openai\.com\/v1/)).toEqual([
      'config.ts',
      'config.ts',
      'services/plan/plan-oauth.ts',
    ])
  })
})

test('no service asks which login or credential it has before it: what differs is in their descriptions', () => {
  const asked = Object.entries(FILES)
    .filter(([name]) => name.startsWith('services/') || name.startsWith('infrastructure/'))
    .flatMap(([name, text]) => routeQuestions(text).map((question) => `${name}: ${question}`))
  expect(asked).toEqual([])
})

test('and the check sees who does', () => {
  for (const line of [
    "if (route.name === 'plan') return",
    "const x = credential.kind !== 'api_key'",
    "if ('codex' === name) return",
    "switch (route) { case 'plan': return }",
    "['codex'].includes('plan')",
  ]) {
    expect(routeQuestions(line)).toHaveLength(1)
  }
  expect(routeQuestions("const name = route ?? 'codex'; call({ route: 'plan' })")).toEqual([])
})
