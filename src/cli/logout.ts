import { clearedWords } from '../tools/cleared-words.ts'
import { defineCommand } from './command.ts'
import { inCommands, routeAsked } from './words.ts'

export const logout = defineCommand({
  name: 'logout',
  summary: 'Remove the logins from this machine and revoke them at OpenAI',
  options: {
    plan: { type: 'boolean', summary: 'only the one of "Continue with ChatGPT"; its registration stays' },
    codex: { type: 'boolean', summary: 'only the other one, or the stored API key' },
  },
  async run(options, { services, terminal }) {
    const route = routeAsked(options, 'logout')
    const outcome = await services.signOut(route)
    const nothing = route === undefined ? undefined : 'Nobody was signed in that way.'
    terminal.print(inCommands(clearedWords(outcome, nothing)))
    return 0
  },
})
