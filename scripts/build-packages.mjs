// How packages go into the bundle: what of them is left out, loads late, or is kept as text.
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')

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
 * Node's own modules that only rare paths need. A bundler asks for them at the top of what imports them,
 * used or not; asked for by `require` of their own they load with the path that uses them.
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
      kind === 'import-statement'
        ? { path: 'node:crypto', namespace: 'late' }
        : { path: 'node:crypto', external: true },
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

/** undici without HTTP/2 and SOCKS; of the two builds of its parser one is enough. */
const undiciParts = {
  name: 'undici-parts',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /\/(client-h2|h2c-client|socks5-proxy-agent)(\.js)?$/ }, ({ path }) => ({
      path,
      namespace: 'left-out',
    }))
    onLoad({ filter: /.*/, namespace: 'left-out' }, () => ({ contents: '' }))
    onLoad({ filter: /llhttp_simd-wasm\.js$/ }, () => ({ contents: 'module.exports = require("./llhttp-wasm.js")' }))
  },
}

/** Packages that are kept as text: what is taken from them (as an `export` has it), and how. */
const rarePackages = {
  undici: {
    exports: 'const { Agent, EnvHttpProxyAgent, Pool }',
    // The package's own entry loads all of it, and puts itself in the place of the undici inside Node.
    entry: `
      const Dispatcher = require('undici/lib/dispatcher/dispatcher.js')
      Dispatcher.prototype.connect = require('undici/lib/api/api-connect.js')
      exports.Agent = require('undici/lib/dispatcher/agent.js')
      exports.EnvHttpProxyAgent = require('undici/lib/dispatcher/env-http-proxy-agent.js')
      exports.Pool = require('undici/lib/dispatcher/pool.js')`,
    plugins: [undiciParts],
  },
  jose: {
    exports: 'const { createLocalJWKSet, jwtVerify }',
    entry: `
      export { createLocalJWKSet } from 'jose/jwks/local'
      export { jwtVerify } from 'jose/jwt/verify'`,
    plugins: [],
  },
  picomatch: {
    exports: 'default',
    entry: `module.exports = require('picomatch')`,
    plugins: [],
  },
  '@cfworker/json-schema': {
    exports: 'const { Validator }',
    entry: `export { Validator } from '@cfworker/json-schema'`,
    plugins: [],
  },
}

/** What of the packages that are kept as text goes into the file, for the licences. */
export const rareInputs = []

/**
 * undici is for those behind a proxy, jose for a sign-in, the others for a few questions; as code undici and jose would
 * cost everybody 5 and 2 % of the start, and undici 1.7 MB of memory, because Node reads over functions nobody calls. In a
 * text they cost next to nothing, until the first use compiles it.
 */
const textOfRarePackages = {
  name: 'text-of-rare-packages',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(undici|jose\/.+|picomatch|@cfworker\/json-schema)$/ }, ({ path }) => ({
      path: path.replace(/^jose\/.*/, 'jose'),
      namespace: 'text',
    }))
    onLoad({ filter: /.*/, namespace: 'text' }, async ({ path }) => ({
      contents: `
        const library = { exports: {} }
        const compile = require('node:vm').compileFunction
        compile(${JSON.stringify(await bundleRare(path))}, ['module', 'exports', 'require'])(library, library.exports, require)
        export ${rarePackages[path].exports}${rarePackages[path].exports === 'default' ? ' ' : ' = '}library.exports`,
      resolveDir: root,
    }))
  },
}

async function bundleRare(name) {
  const { entry, plugins } = rarePackages[name]
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    stdin: { contents: entry, resolveDir: root },
    bundle: true,
    minify: true,
    write: false,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    legalComments: 'none',
    plugins,
    metafile: true,
    logLevel: 'warning',
  })
  rareInputs.push(...Object.keys(metafile.inputs))
  return outputFiles[0].text
}

export const packagePlugins = [unused, lazyBuiltins, jsoncModule, textOfRarePackages]
