/**
 * A window that adds turns to a conversation and reports each outcome: `talks <folder> <name> <word> <turns> [stop]`. With
 * `stop` it freezes itself (SIGSTOP) in the middle of the first, under the lock, having looked at what is there.
 */
import { randomBytes } from 'node:crypto'
import { createUuid } from '../../../src/infrastructure/uuid.ts'
import { createConversationStore } from '../../../src/services/conversations/conversation-store.ts'
import { aTurn } from '../a-turn.ts'
import { finish, ready, report } from './parent.ts'

const [folder = '', name = '', word = '', turns = '1', stop] = process.argv.slice(2)
let isToStop = false
const newId = () => {
  if (isToStop) {
    isToStop = false
    report('inside')
    process.kill(process.pid, 'SIGSTOP')
  }
  return createUuid(randomBytes, Date.now)
}
const store = createConversationStore({ folder, newId, now: Date.now })
await ready()
for (let n = 1; n <= Number(turns); n++) {
  const opened = store.open(name)
  isToStop = stop !== undefined && n === 1
  const { outcome } = await store.add(opened, aTurn(`${word} ${n}`))
  report(`${outcome} ${word} ${n}`)
}
finish('done')
