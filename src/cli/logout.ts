import { defineCommand, structureOf } from './command.ts'
import { inCommands } from './words.ts'

export const logout = defineCommand({
  name: 'logout',
  summary: 'Remove the login from this machine and revoke it at OpenAI',
  options: {},
  async run(_options, call) {
    const { message } = await structureOf('codex_clear', call)
    call.terminal.print(inCommands(String(message)))
    return 0
  },
})
