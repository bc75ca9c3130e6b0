// Builds dist/main.js: the whole server in one file that plain `node` runs, the licences of what is in it, and plugin/.
import { createHash } from 'node:crypto'
import { chmod, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { packagePlugins, rareInputs } from './build-packages.mjs'
import { lateSchemas } from './build-schemas.mjs'
import { writePlugin } from './plugin.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
/** Where the launcher has the program. */
const PROGRAM = 'PROGRAM.toString()'
const common = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node20',
  legalComments: 'none',
  logLevel: 'warning',
  write: false,
}

const { metafile, outputFiles } = await build({
  ...common,
  entryPoints: ['src/main.ts'],
  format: 'cjs',
  // A script that is compiled by hand, as this one is, has no `import()`.
  supported: { 'dynamic-import': false },
  // Less to read at each start; names stay as they are, for stack traces.
  minifyWhitespace: true,
  lineLimit: 160,
  define: {
    VERSION: JSON.stringify(version),
    TOOL_LIST: JSON.stringify(await toolList()),
    'import.meta.dirname': '__dirname',
  },
  plugins: [lateSchemas, ...packagePlugins],
  metafile: true,
})
await writeFile(join(root, 'dist/main.js'), await withLauncher(inAscii(outputFiles[0].text)))
await chmod(join(root, 'dist/main.js'), 0o755)
// Beside the sources, which are ES modules, it has to be said that this is none; to load one takes longer.
await writeFile(join(root, 'dist/package.json'), '{ "type": "commonjs" }\n')
await writeLicences([...Object.keys(metafile.inputs), ...rareInputs])
await writePlugin(root)

/** The tools as they list themselves, from their sources: a server that starts need not make it of them. */
async function toolList() {
  const contents = `
    import { createTools } from './src/tools/index.ts'
    import { listed } from './src/tools/tool.ts'
    export const list = createTools({}).map(listed)`
  const { outputFiles } = await build({ ...common, stdin: { contents, resolveDir: root }, format: 'esm' })
  const { list } = await import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].text).toString('base64')}`)
  return list
}

/** The program as text in a comment of what compiles it (src/launch.ts says why). */
async function withLauncher(program) {
  const text = `(function(require,module,__dirname,startIsOver){${program}})`
  const ends = ['*@/', '*/']
  if (text.includes(ends[0])) throw new Error(`The program has ${ends[0]} in it: choose something else.`)
  const id = `${version}-${createHash('sha256').update(text).digest('hex').slice(0, 12)}`
  const [launcher] = (
    await build({
      ...common,
      entryPoints: ['src/launch.ts'],
      format: 'cjs',
      define: { PROGRAM_ID: JSON.stringify(id), PROGRAM_ESCAPE: JSON.stringify(ends) },
      banner: { js: '#!/usr/bin/env node' },
    })
  ).outputFiles
  const [before] = launcher.text.split(PROGRAM)
  return filled(launcher.text, {
    [PROGRAM]: `(() => {/*\n${text.replaceAll(ends[1], ends[0])}*/}).toString()`,
    PROGRAM_LINE: before.split('\n').length,
  })
}

/** A text with values for its placeholders, each of which has to be there once. */
function filled(text, values) {
  return Object.entries(values).reduce((part, [placeholder, value]) => {
    const found = part.split(placeholder)
    if (found.length !== 2) throw new Error(`${placeholder} is there ${found.length - 1} times.`)
    return found.join(value)
  }, text)
}

/**
 * One character beyond Latin-1 and V8 keeps the whole text in two bytes per character: 3 MB of memory in every server.
 * esbuild escapes those in texts; what is left stands in patterns and comments.
 */
function inAscii(text) {
  return text.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

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
  const { version, license, author } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
  const file = (await readdir(folder)).find((entry) => /^licen[cs]e(\.(md|txt))?$/i.test(entry))
  if (file !== undefined)
    return `${name} ${version} (${license})\n\n${(await readFile(join(folder, file), 'utf8')).trim()}\n`
  // It says which one in its package.json alone, so the words are the usual ones.
  if (license === 'MIT' && typeof author === 'string') return `${name} ${version} (MIT)\n\n${await mitOf(author)}\n`
  throw new Error(`${name} has no licence file`)
}

/** The MIT licence as ours has it, with another name. */
async function mitOf(author) {
  const ours = await readFile(join(root, 'LICENSE'), 'utf8')
  return ours.trim().replace(/^Copyright .*$/m, `Copyright (c) ${author}`)
}
