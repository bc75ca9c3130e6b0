import type { AccountStatus } from '../services/account-status.ts'
import { maskEmail } from '../services/id-claims.ts'
import { defineCommand, structureOf } from './command.ts'
import type { Terminal } from './terminal.ts'
import { inCommands } from './words.ts'

const NOBODY = 3

export const status = defineCommand({
  name: 'status',
  summary: 'Who is signed in, and until when; asks nobody',
  options: { json: { type: 'boolean', summary: 'what the tool codex_status gives' } },
  notes: ['The exit code is 0 when questions can be asked, else 3.'],
  local: true,
  async run({ json }, call) {
    const { services, terminal } = call
    const found = services.readStatus()
    if (json) terminal.print(JSON.stringify(await structureOf('codex_status', call), null, 2))
    else show(found, services.now(), terminal)
    return isUsable(found) ? 0 : NOBODY
  },
})

/** A login that works or can be renewed, or else something given from outside. */
function isUsable({ status, authenticated, method }: AccountStatus): boolean {
  return authenticated || (status === 'not_authenticated' && method !== 'none')
}

function show(found: AccountStatus, nowMs: number, terminal: Terminal): void {
  const { account, method, expiresInMs, refreshedAt, storagePath, storageProblem } = found
  terminal.print(inCommands(found.message))
  const rows: [string, string | undefined][] = [
    ['account', account?.email === undefined ? account?.accountId : maskEmail(account.email)],
    ['plan', account?.plan],
    ['method', method],
    ['expires', account === undefined ? undefined : day(nowMs + expiresInMs)],
    ['renewed', refreshedAt === undefined ? undefined : day(refreshedAt)],
    ['stored in', storagePath === '' ? undefined : storagePath],
    ['problem', storageProblem],
  ]
  for (const [name, value] of rows) {
    if (value !== undefined) terminal.print({ style: 'dim', text: name.padEnd(10) }, value)
  }
}

/** In UTC, to the minute: a report is read in other places too. */
function day(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}
