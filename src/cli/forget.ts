import { CodexError } from '../errors.ts'
import { EVERY_CONVERSATION } from '../services/conversations/conversation-name.ts'
import { defineCommand, structureOf } from './command.ts'
import { inCommands, wrongUsage } from './words.ts'

export const forget = defineCommand({
  name: 'forget',
  summary: 'Remove a conversation from this machine; the login stays',
  options: { all: { type: 'boolean', summary: 'all conversations' } },
  words: 'NAME',
  notes: ['`status` lists the names. One with spaces goes into quotation marks.'],
  async run({ all }, call) {
    const conversation = all ? EVERY_CONVERSATION : nameIn(call.words)
    if (all && call.words.length > 0) throw wrongUsage('--all and NAME exclude each other.', 'forget')
    const { cleared, message } = await structureOf('codex_clear', call, { conversation })
    const words = inCommands(String(message))
    if (cleared !== true && !all) throw new CodexError('INPUT_INVALID', words)
    call.terminal.print(words)
    return 0
  },
})

/** One word: several may be what a shell has made of an asterisk. */
function nameIn([name, ...more]: readonly string[]): string {
  if (name === undefined) throw wrongUsage('NAME is missing.', 'forget')
  if (more.length > 0) throw wrongUsage('A name with spaces goes into quotation marks.', 'forget')
  if (name === EVERY_CONVERSATION) throw wrongUsage('All conversations are removed with --all.', 'forget')
  return name
}
