import { SETTINGS } from '../../src/settings.ts'
import { createTools, type Services } from '../../src/tools/index.ts'
import { listed } from '../../src/tools/tool.ts'

/** The README with its tables as the code has them. */
export function withTables(readme: string): string {
  return replaceTable(replaceTable(readme, 'tools', toolTable()), 'settings', settingTable())
}

function toolTable(): string {
  // Listing a tool runs nothing, so no service is ever touched.
  const tools = createTools({} as Services).map(listed)
  const rows = tools.map(({ name, description, inputSchema }) => [`\`${name}\``, description, argumentsOf(inputSchema)])
  return table(['tool', 'what it does', 'arguments'], rows)
}

function argumentsOf(schema: Readonly<Record<string, unknown>>): string {
  const properties = schema.properties as Record<string, { description?: string }>
  const required = (schema.required ?? []) as string[]
  const lines = Object.entries(properties).map(([name, { description = '' }]) => {
    return `\`${name}\`${required.includes(name) ? ' (required)' : ''}: ${description}`
  })
  return lines.length === 0 ? '–' : lines.join('<br>')
}

function settingTable(): string {
  return table(
    ['variable', 'default', 'meaning'],
    SETTINGS.map(({ name, fallback, meaning }) => [`\`${name}\``, fallback, meaning]),
  )
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function replaceTable(readme: string, name: string, content: string): string {
  const block = new RegExp(`(<!-- ${name}: [^\\n]* -->\\n)[\\s\\S]*?(<!-- /${name} -->)`)
  if (!block.test(readme)) throw new Error(`The README has no place for the table of ${name}.`)
  return readme.replace(block, (_all, start: string, end: string) => `${start}\n${content}\n\n${end}`)
}
