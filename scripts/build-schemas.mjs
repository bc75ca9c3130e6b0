// The MCP SDK makes the schemas of every message there is as soon as it is loaded, which takes longer than all else that
// a server does before its first answer. In the bundle each is made when it is first used, and left out if nothing uses it.
import { readFile } from 'node:fs/promises'

/** `const NameSchema = z.…;` or made of another schema, up to the next line that begins something else. */
const DECLARATION = /^((?:export )?const )(\w+Schema)( = )((?:z\b|\w+Schema\b)[\s\S]*?);$(?=\n(?:[^\s})\]]|$))/gm
const IMPORT = /^import [^;]+;$/gm
const LATE = 'const late = (make) => { let made; return () => (made ??= make()); };\n'

/** What the bundle has of the SDK, with `NameSchema()` wherever `NameSchema` is used. */
export const lateSchemas = {
  name: 'late-schemas',
  setup({ onLoad, onStart }) {
    let names
    onStart(async () => {
      const text = await readFile(new URL(import.meta.resolve('@modelcontextprotocol/sdk/types.js')), 'utf8')
      names = new Set([...text.matchAll(DECLARATION)].map(([, , name]) => name))
      // The start would be slow again, and nothing else would tell.
      if (names.size < 150) throw new Error('The schemas of the MCP SDK are not declared as they were.')
    })
    onLoad({ filter: /@modelcontextprotocol\/sdk\/dist\/esm\/.+\.js$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8')
      if (!path.endsWith('/esm/types.js')) return { contents: besideImports(text, (code) => withCalls(code, names)) }
      return { contents: LATE + declaredLate(text, names) }
    })
  },
}

function declaredLate(text, names) {
  let from = 0
  let contents = ''
  for (const { 0: whole, 1: start, 2: name, 3: is, 4: made, index } of text.matchAll(DECLARATION)) {
    contents += withCalls(text.slice(from, index), names)
    contents += `${start}${name}${is}/* @__PURE__ */ late(() => ${withCalls(made, names)});`
    from = index + whole.length
  }
  return contents + withCalls(text.slice(from), names)
}

function besideImports(text, change) {
  const imports = text.match(IMPORT) ?? []
  return [...imports, change(text.replace(IMPORT, ''))].join('\n')
}

function withCalls(code, names) {
  return code.replace(/\b[A-Z]\w*Schema\b/g, (name) => (names.has(name) ? `${name}()` : name))
}
