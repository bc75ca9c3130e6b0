import type { AccountModels } from '../services/models/account-models.ts'
import { defineCommand, structureOf } from './command.ts'

const SOURCES: Readonly<Record<AccountModels['source'], string>> = {
  live: 'As the service lists them now.',
  cached: 'As the service listed them a while ago.',
  'built-in': 'The list of this program: the service was not asked, or did not answer.',
}

export const models = defineCommand({
  name: 'models',
  summary: 'The models this account can ask, best first',
  options: { json: { type: 'boolean', summary: 'what the tool codex_models gives' } },
  async run({ json }, call) {
    const { services, terminal, signal } = call
    if (json) {
      terminal.print(JSON.stringify(await structureOf('codex_models', call), null, 2))
      return 0
    }
    const { models: list, defaultId, source, credential } = await services.listModels(signal)
    const width = Math.max(...list.map(({ id }) => id.length))
    for (const { id, efforts, defaultEffort } of list) {
      const mark = id === defaultId ? '*' : ' '
      const named = efforts.map((effort) => (effort === defaultEffort ? `${effort} (default)` : effort))
      const gap = named.length === 0 ? '' : ' '.repeat(width - id.length + 2)
      terminal.print(`${mark} `, { style: 'bold', text: id }, `${gap}${named.join(', ')}`)
    }
    terminal.say({ style: 'dim', text: `* is asked when no model is named. ${SOURCES[source]}` })
    if (credential?.usage !== undefined) terminal.say({ style: 'dim', text: credential.usage })
    return 0
  },
})
