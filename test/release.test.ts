import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Validator } from '@cfworker/json-schema'
import { describe, expect, test } from 'vitest'
import { PLUGIN_PARTS, PLUGIN_README } from '../scripts/plugin.mjs'
import { releaseProblems } from '../scripts/release-problems.ts'
import { SETTINGS } from '../src/settings.ts'
import { withSettings, withTools } from './support/manifests.ts'
import { readProject } from './support/project.ts'

const { text, json, list } = readProject
const packageFile = json('package.json')
const { version } = packageFile

test('every file that says the version says the same', () => {
  const server = json('server.json')
  const lock = json('package-lock.json')
  const said = {
    'package-lock.json': lock.version,
    'package-lock.json, packages': lock.packages[''].version,
    'server.json': server.version,
    'server.json, package': server.packages[0].version,
    'manifest.json': json('manifest.json').version,
    '.claude-plugin/plugin.json': json('.claude-plugin/plugin.json').version,
    '.claude-plugin/marketplace.json': json('.claude-plugin/marketplace.json').plugins[0].version,
    'plugin/.claude-plugin/plugin.json': json('plugin/.claude-plugin/plugin.json').version,
  }
  expect(said).toEqual(Object.fromEntries(Object.keys(said).map((file) => [file, version])))
  expect(text('dist/main.js')).toContain(`"${version}"`)
})

describe('server.json, for the MCP registry', () => {
  const server = json('server.json')
  const [entry] = server.packages

  test('names the npm package, and the npm package names it', () => {
    expect(packageFile.mcpName).toBe(server.name)
    expect(entry).toMatchObject({ registryType: 'npm', identifier: packageFile.name, transport: { type: 'stdio' } })
  })

  test('holds the rules of its schema, as far as they are about what is in it', () => {
    expect(server.$schema).toBe('https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json')
    const string = (rules = {}) => ({ type: 'string' as const, minLength: 1, ...rules })
    const variable = {
      required: ['name'],
      properties: {
        name: string(),
        description: string(),
        format: { enum: ['string', 'number', 'boolean', 'filepath'] },
      },
    }
    const validator = new Validator(
      {
        type: 'object',
        required: ['name', 'description', 'version', 'packages'],
        properties: {
          name: string({ maxLength: 200, pattern: '^[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+$' }),
          title: string({ maxLength: 100 }),
          description: string({ maxLength: 100 }),
          version: string({ pattern: '^\\d+\\.\\d+\\.\\d+' }),
          packages: {
            type: 'array',
            items: {
              required: ['registryType', 'identifier', 'transport', 'version'],
              properties: { version: string(), environmentVariables: { type: 'array', items: variable } },
            },
          },
        },
      },
      '7',
      false,
    )
    expect(validator.validate(server).errors).toEqual([])
  })

  test('lists settings as the code has them, and says which are secret (npm run docs writes them)', () => {
    expect(server).toEqual(withSettings(server, version))
    const listed = entry.environmentVariables as { name: string; isSecret: boolean }[]
    expect(listed.map(({ name }) => name).filter((name) => !SETTINGS.some((setting) => setting.name === name))).toEqual(
      [],
    )
    expect(listed.filter(({ isSecret }) => isSecret).map(({ name }) => name)).toEqual([
      'CODEX_API_KEY',
      'CODEX_ACCESS_TOKEN',
      'CODEX_OAUTH_PASSPHRASE',
    ])
  })
})

describe('manifest.json, of the MCP bundle', () => {
  const manifest = json('manifest.json')

  test('lists the tools as the code has them (npm run docs writes them; npm run pack:mcpb validates all of it)', () => {
    expect(manifest).toEqual(withTools(manifest, version))
    expect(manifest.tools).toHaveLength(5)
  })

  test('starts the built file, and passes on only what can be left empty', () => {
    const { entry_point: file, mcp_config: config } = manifest.server
    expect(existsSync(join(import.meta.dirname, '..', file))).toBe(true)
    expect(config.args).toEqual([`\${__dirname}/${file}`])
    const options = Object.entries(manifest.user_config as Record<string, { default: string; required: boolean }>)
    const passedOn = Object.values(config.env as Record<string, string>)
    expect(passedOn).toEqual(options.map(([name]) => `\${user_config.${name}}`))
    for (const [, option] of options) expect(option).toMatchObject({ default: '', required: false })
  })
})

describe('the plugin that the marketplace names', () => {
  const [entry] = json('.claude-plugin/marketplace.json').plugins

  test('is the folder that the build writes, with every part as it is in the repository', () => {
    expect(entry.source).toBe('./plugin')
    const copied = PLUGIN_PARTS.flatMap((part) => {
      const isFolder = statSync(join(import.meta.dirname, '..', part)).isDirectory()
      return isFolder ? list(part).map((name) => `${part}/${name}`) : [part]
    })
    expect(list('plugin')).toEqual([...copied, 'README.md'].sort())
    for (const name of copied) expect([name, text(`plugin/${name}`) === text(name)]).toEqual([name, true])
    expect(text('plugin/README.md')).toBe(PLUGIN_README)
    expect(list('plugin')).toHaveLength(12)
    expect(text('README.md')).toContain('Installed are the twelve files of [plugin/]')
  })

  test('has no package.json at its top and no lock file: Claude Code would install development packages beside it', () => {
    const named = list('plugin').filter((path) =>
      /(^|\/)(package|[^/]*lock[^/]*|npm-shrinkwrap)(\.[^/]*)?$/i.test(path),
    )
    expect(named).toEqual(['dist/package.json'])
    expect(Object.keys(json('plugin/dist/package.json'))).toEqual(['type'])
  })

  test('is executable where it was before', () => {
    expect(statSync(join(import.meta.dirname, '..', 'plugin/dist/main.js')).mode & 0o111).toBe(0o111)
  })
})

describe('workflows', () => {
  const workflows = list('.github/workflows').map((name) => [name, text(`.github/workflows/${name}`)] as const)

  test.each(workflows)('%s: every action is pinned by its commit, with its version beside', (_name, workflow) => {
    const uses = [...workflow.matchAll(/uses: (.*)$/gm)].map(([, what = '']) => what)
    expect(uses.length).toBeGreaterThan(0)
    expect(uses.filter((what) => !/^(\.\/\S+|[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+)$/.test(what))).toEqual([])
  })

  test.each(workflows)(
    '%s: may read only, unless a job says more, and no text from outside is run',
    (_name, workflow) => {
      expect(workflow).toMatch(/^permissions:\n {2}contents: read\n$/m)
      const run = [...workflow.matchAll(/run: (.*)$/gm)].map(([, line = '']) => line)
      expect(run.filter((line) => line.includes('${{'))).toEqual([])
      expect(workflow.match(/actions\/checkout@/g)?.length).toBe(workflow.match(/persist-credentials: false/g)?.length)
    },
  )

  test('the tests run on each Node that is promised', () => {
    expect(text('.github/workflows/ci.yml')).toContain('node: [20, 22, 24]')
    expect(text('scripts/pack.ts')).toContain('const MAJORS = [20, 22, 24]')
    expect(packageFile.engines.node).toBe('>=20.19')
  })

  test('a release is published with provenance', () => {
    const release = text('.github/workflows/release.yml')
    expect(release).toContain('npm publish --provenance')
    expect(release).toContain('npm run check:release')
  })

  test('every script they run is there', () => {
    const named = workflows.flatMap(([, workflow]) =>
      [...workflow.matchAll(/npm run ([\w:]+)/g)].map(([, name]) => name),
    )
    expect(named.filter((name) => !(String(name) in packageFile.scripts))).toEqual([])
  })
})

describe('before a release', () => {
  const facts = {
    packageFile: {
      version: '1.2.3',
      mcpName: 'io.github.someone/codex-oauth',
      repository: { url: 'git+https://github.com/Someone/codex-oauth.git' },
    },
    changelog: '# Changelog\n\n## 1.2.3 (2026-12-01)\n',
    repository: 'Someone/codex-oauth',
    tag: 'v1.2.3',
  }

  test('nothing is in the way of one that fits', () => {
    expect(releaseProblems(facts)).toEqual([])
  })

  test.each([
    ['another tag', { ...facts, tag: 'v1.2.4' }, /tag is v1\.2\.4/],
    ['no heading in the changelog', { ...facts, changelog: '## 1.2.30\n' }, /CHANGELOG/],
    ['no repository', { ...facts, packageFile: { ...facts.packageFile, repository: {} } }, /"repository"/],
    ['a fork', { ...facts, repository: 'Other/codex-oauth' }, /"repository"[\s\S]*"mcpName"/],
  ])('%s is', (_name, changed, problem) => {
    expect(releaseProblems(changed).join('\n')).toMatch(problem)
  })
})
