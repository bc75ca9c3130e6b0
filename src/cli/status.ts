import { maskEmail } from '../services/oauth/id-claims.ts'
import type { AccountStatus } from '../services/status/account-status.ts'
import { duration } from '../services/status/duration.ts'
import type { LimitStatus, UsageStatus } from '../services/usage/usage-status.ts'
import { LISTED } from '../tools/listed.ts'
import { type CommandCall, defineCommand, structureOf } from './command.ts'
import type { Terminal } from './terminal.ts'
import { inCommands } from './words.ts'

const NOBODY = 3

export const status = defineCommand({
  name: 'status',
  summary: 'Who is signed in, and until when; recent answers and conversations; asks nobody',
  options: {
    usage: { type: 'boolean', summary: 'ask the service how much of the plan is used' },
    json: { type: 'boolean', summary: 'what the tool codex_status gives' },
  },
  notes: [
    'Answers and conversations are the newest ten of each; `ask --collect ID` gets an answer, `forget NAME` removes a',
    'conversation. The exit code is 0 when questions can be asked, else 3.',
  ],
  local: true,
  async run({ usage, json }, call) {
    const { services, terminal, signal } = call
    if (json) {
      const structure = await structureOf('codex_status', call, usage === undefined ? {} : { usage })
      terminal.print(JSON.stringify(structure, null, 2))
      return structure.authenticated === true ? 0 : NOBODY
    }
    const found = await services.readStatus({ usage, signal })
    show(found, services.now(), terminal)
    showKept(services, terminal)
    return found.authenticated ? 0 : NOBODY
  },
})

/** The login that answers, or whatever does; then the other ones. */
function show(found: AccountStatus, nowMs: number, terminal: Terminal): void {
  const { logins = [], route, message, storagePath } = found
  const isOneOfSeveral = logins.length > 1
  terminal.print(inCommands(message))
  table([...(isOneOfSeveral ? [routeRow(route, 'answers')] : []), ...rowsOf(found, nowMs)], terminal)
  for (const other of logins.filter(({ answers }) => !answers)) {
    terminal.print(`\n${inCommands(other.message)}`)
    table([routeRow(other.route, 'does not answer'), ...rowsOf(other, nowMs)], terminal)
  }
  if (found.usage !== undefined) table(usageRows(found.usage), terminal)
  table([['stored in', storagePath === '' ? undefined : storagePath]], terminal)
}

type Row = [name: string, value: string | undefined]

function routeRow(route: AccountStatus['route'], standing: string): Row {
  return ['route', `${route} (${standing})`]
}

function rowsOf({ account, method, source, cost, expiresInMs, refreshedAt }: AccountStatus, nowMs: number): Row[] {
  return [
    ['account', account?.email === undefined ? account?.accountId : maskEmail(account.email)],
    ['plan', account?.plan],
    ['method', method],
    ['from', source],
    ['cost', cost],
    // One that has expired did so at a time nobody knows here; the message says it.
    ['expires', expiresInMs ? day(nowMs + expiresInMs) : undefined],
    ['renewed', refreshedAt === undefined ? undefined : day(refreshedAt)],
  ]
}

/** How much of the plan is used, one row for each limit; what kept the service from saying so comes first. */
function usageRows({ primary, secondary, others = {}, creditWords, trouble, asked, age }: UsageStatus): Row[] {
  const other = Object.entries(others).flatMap(([name, limit]) =>
    limitRows(limit).map(([window, used]): Row => ['also', `${name}, ${window}: ${used}`]),
  )
  return [
    ['usage', trouble === undefined ? undefined : inCommands(trouble)],
    ...limitRows({ primary, secondary }),
    ...other,
    ['credits', creditWords],
    ['as of', asked && trouble === undefined ? undefined : age],
  ]
}

function limitRows({ primary, secondary }: LimitStatus): Row[] {
  return [primary, secondary].flatMap((limit) => {
    if (limit === undefined) return []
    const { window, usedPercent, resets } = limit
    return [[window, `${usedPercent} % used${resets === undefined ? '' : `, resets ${resets}`}`] satisfies Row]
  })
}

function table(rows: readonly Row[], terminal: Terminal): void {
  for (const [name, value] of rows) {
    if (value !== undefined) terminal.print({ style: 'dim', text: name.padEnd(10) }, value)
  }
}

/** What can be had again or gone on with, newest first. */
function showKept({ answers, conversations: { list }, now }: CommandCall['services'], terminal: Terminal): void {
  const ago = (atMs: number) => `${duration(Math.max(0, now() - atMs))} ago`
  const { conversations, problems } = list()
  const kept = answers.list().map(({ id, startedAt, state, model = '', prompt }) => {
    return [id, ago(startedAt), state, model, prompt]
  })
  const talks = conversations.map(({ name, turns, updatedAt, lastPrompt }) => {
    return [name, turns === 1 ? '1 turn' : `${turns} turns`, ago(updatedAt), lastPrompt]
  })
  columns('answers', kept.slice(0, LISTED), terminal)
  columns('conversations', talks.slice(0, LISTED), terminal)
  for (const problem of problems) terminal.print(inCommands(problem))
}

/** Below a title, if there are any; the last column is as wide as it is. */
function columns(title: string, rows: readonly (readonly string[])[], terminal: Terminal): void {
  if (rows.length > 0) terminal.print({ style: 'dim', text: title })
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => [...(row[column] ?? '')].length)))
  for (const row of rows) {
    const padded = row.map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - [...cell].length))
    terminal.print(`  ${padded.join('  ').trimEnd()}`)
  }
}

/** In UTC, to the minute: a report is read in other places too. */
function day(atMs: number): string | undefined {
  // Beyond that there are no dates.
  if (Math.abs(atMs) > 8.64e15) return undefined
  return `${new Date(atMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}
