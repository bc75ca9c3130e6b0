import type { AnswerStore } from '../services/answers/answer-store.ts'
import type { CollectAnswer } from '../services/answers/collect-answer.ts'
import type { QueryDesk } from '../services/answers/query-desk.ts'
import type { ConversationStore } from '../services/conversations/conversation-store.ts'
import type { SignOut } from '../services/login/sign-out.ts'
import type { ListModels } from '../services/models/account-models.ts'
import type { SignIns } from '../services/sign-in/sign-ins.ts'
import type { ReadStatus } from '../services/status/account-status.ts'
import { codexClear } from './codex-clear.ts'
import { codexLogin } from './codex-login.ts'
import { codexModels } from './codex-models.ts'
import { codexQuery } from './codex-query.ts'
import { codexStatus } from './codex-status.ts'
import type { Tool } from './tool.ts'

export interface Services {
  desk: Pick<QueryDesk, 'ask'>
  collect: CollectAnswer
  answers: Pick<AnswerStore, 'list'>
  conversations: Pick<ConversationStore, 'list' | 'remove'>
  readStatus: ReadStatus
  signIn: SignIns
  signOut: SignOut
  listModels: ListModels
  now: () => number
}

/** All tools, in the order in which they are listed. */
export function createTools(services: Services): Tool[] {
  return [
    codexQuery(services),
    codexStatus(services),
    codexLogin(services),
    codexModels(services),
    codexClear(services),
  ]
}
