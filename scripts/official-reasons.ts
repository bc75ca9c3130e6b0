/** Why we send something else than the official client, by request and field; the first that fits counts. */
const REASONS: readonly [request: RegExp, field: RegExp, reason: string][] = [
  [/deviceauth|authorization_code/, /^user-agent$/, 'The official client says nothing here; Node names itself'],
  [/./, /^(originator|user-agent)$/, 'We say who we are'],
  [/./, /^(accept-language|sec-fetch-mode)$/, 'Node’s `fetch` adds it'],
  [/./, /^accept-encoding$/, 'What each can unpack; Node 20 has no zstd'],
  [/./, /^accept$/, 'We say that we want JSON'],
  [
    /./,
    /^(version|\?client_version)$/,
    'The compatibility level we state (`CODEX_OAUTH_CLIENT_VERSION`), see the README',
  ],
  [/./, /^if-none-match$/, 'We ask only for a list that has changed'],
  [/responses/, /^content-encoding$/, 'Node 20 has no zstd; the service takes plain JSON'],
  [
    /responses/,
    /^(x-codex-beta-features|x-codex-window-id|x-codex-turn-metadata)$/,
    'About an agent’s session (its windows, its sandbox, its work tree), which a question is not; the service does not ask for it',
  ],
  [/responses/, /^x-codex-routing-hint$/, 'A hint; the model is in the body'],
  [
    /responses/,
    /^body\.client_metadata/,
    'Tells of the installation and the session; we send no more than a question needs',
  ],
  [
    /responses/,
    /^body\.instructions$/,
    'Ours is a short text for questions, where the official client has its agent’s as a message',
  ],
  [/responses/, /^body\.input$/, 'One question, instead of an agent’s instructions, surroundings and question'],
  [/responses/, /^body\.reasoning\.summary$/, 'A summary of the thinking is what progress is made of'],
]

/** Requests that only one of the two makes. */
export const ONE_SIDED: readonly [request: RegExp, reason: string][] = [
  [/accounts\/check/, 'Routing of workspaces; without it a question goes to the usual address'],
  [/^UPGRADE/, 'The official client tries a WebSocket first; we ask over HTTP only'],
  [/backend-api\/ps\//, 'Plugins of the official client'],
  [/wham\/settings/, 'Settings of the official client'],
  [/analytics|^ab\.chatgpt\.com/, 'Measurements; we send none'],
]

export function reasonFor(request: string, field: string): string | undefined {
  return REASONS.find(([where, what]) => where.test(request) && what.test(field))?.[2]
}
