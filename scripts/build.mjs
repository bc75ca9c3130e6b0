// Builds dist/main.js: the whole server in one file that plain `node` runs, and the licences of what is in it.
import { chmod, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))

/**
 * What the SDK and zod load at start and this server never uses: a second and third schema library, a converter
 * between them, and error messages in forty languages. Leaving them out halves the start.
 */
const unused = {
  name: 'unused',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(zod\/v3|zod-to-json-schema)$|\/ajv-provider\.js$/ }, ({ path }) => ({
      path,
      namespace: 'unused',
    }))
    onLoad({ filter: /.*/, namespace: 'unused' }, () => ({
      contents: 'export const zodToJsonSchema = undefined; export class AjvJsonSchemaValidator {}; export default {}',
    }))
    onLoad({ filter: /zod\/v4\/locales\/index\.js$/ }, () => ({
      contents: 'export { default as en } from "./en.js"',
    }))
  },
}

/**
 * Node's own modules that only rare paths need. In an ES module a bundler lifts every import of them to the top,
 * lazy or not; asked for by `require` they load with the path that uses them.
 */
const lazyBuiltins = {
  name: 'lazy-builtins',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(node:)?(http|https|net|child_process)$/ }, ({ path, kind, namespace }) =>
      kind === 'require-call' && namespace === 'lazy' ? { path, external: true } : { path, namespace: 'lazy' },
    )
    onLoad({ filter: /.*/, namespace: 'lazy' }, ({ path }) => ({
      contents: `module.exports = require(${JSON.stringify(path)})`,
    }))
    // Our own modules import it at the top, so it needs one step more: it loads with the first call.
    onResolve({ filter: /^node:crypto$/ }, ({ kind }) =>
      kind === 'require-call' ? { path: 'node:crypto', external: true } : { path: 'node:crypto', namespace: 'late' },
    )
    onLoad({ filter: /.*/, namespace: 'late' }, ({ path }) => ({
      contents: ['createCipheriv', 'createDecipheriv', 'createHash', 'randomBytes', 'scrypt', 'timingSafeEqual']
        .map((name) => `export const ${name} = (...args) => require(${JSON.stringify(path)}).${name}(...args)`)
        .join('\n'),
    }))
  },
}

/** jsonc-parser's default entry hides its parts behind a `require` that no bundler can follow. */
const jsoncModule = {
  name: 'jsonc-module',
  setup({ onResolve, resolve }) {
    onResolve({ filter: /^jsonc-parser$/ }, ({ resolveDir }) =>
      resolve('jsonc-parser/lib/esm/main.js', { kind: 'import-statement', resolveDir }),
    )
  },
}

const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: ['src/main.ts'],
  outfile: 'dist/main.js',
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  charset: 'utf8',
  legalComments: 'none',
  define: { VERSION: JSON.stringify(version) },
  banner: {
    // Some dependencies are CommonJS and ask for Node's modules by `require`.
    js: '#!/usr/bin/env node\nimport { createRequire } from "node:module";\nconst require = createRequire(import.meta.url);',
  },
  plugins: [unused, lazyBuiltins, jsoncModule],
  metafile: true,
  logLevel: 'warning',
})
await chmod(join(root, 'dist/main.js'), 0o755)
await writeLicences(Object.keys(metafile.inputs))

async function writeLicences(inputs) {
  const names = new Set(
    inputs.flatMap((input) => /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1] ?? []),
  )
  const notices = await Promise.all([...names].sort().map(noticeOf))
  const head = `dist/main.js contains the following packages.\n`
  await writeFile(join(root, 'dist/THIRD-PARTY-NOTICES.txt'), [head, ...notices].join(`\n${'-'.repeat(80)}\n\n`))
}

async function noticeOf(name) {
  const folder = join(root, 'node_modules', name)
  const { version, license } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
  const file = (await readdir(folder)).find((entry) => /^licen[cs]e(\.(md|txt))?$/i.test(entry))
  if (file !== undefined)
    return `${name} ${version} (${license})\n\n${(await readFile(join(folder, file), 'utf8')).trim()}\n`
  throw new Error(`${name} has no licence file`)
}
