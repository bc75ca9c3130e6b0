/**
 * Adds turns of 40 kB to a conversation until one is not kept, and one more when another conversation is gone; reports how
 * it went and what is there then: `fills <folder>`.
 */
import { randomBytes } from 'node:crypto'
import { CodexError } from '../../../src/errors.ts'
import { createUuid } from '../../../src/infrastructure/uuid.ts'
import { createConversationStore } from '../../../src/services/conversations/conversation-store.ts'
import { aTurn } from '../a-turn.ts'
import { finish } from './parent.ts'

const [folder = ''] = process.argv.slice(2)
const store = createConversationStore({ folder, newId: () => createUuid(randomBytes, Date.now), now: Date.now })
const turn = aTurn('long', { owner: randomBytes(30_000).toString('base64') })

async function add(name: string): Promise<string> {
  try {
    return (await store.add(store.open(name), turn)).outcome
  } catch (error) {
    return error instanceof CodexError ? `${error.code} ${error.message}` : String(error)
  }
}

const first = await add('other')
let kept = 0
let last = await add('talk')
for (; last === 'kept' && kept < 100; kept += 1) last = await add('talk')
const readable = store.open('talk').turns.length
await store.remove('other').catch(() => {})
finish({ first, kept, last, readable, later: await add('talk'), list: store.list() })
