/** A setting as the README's table shows it. `test/readme.test.ts` compares the two. */
export interface Setting {
  name: string
  fallback: string
  meaning: string
}

export const SETTINGS: readonly Setting[] = [
  { name: 'CODEX_OAUTH_FILE', fallback: '`~/.claude/auth.json`', meaning: 'Credentials file (absolute path)' },
  { name: 'CODEX_OAUTH_MODEL', fallback: 'first of the catalogue', meaning: 'Model of queries that name none' },
  { name: 'CODEX_OAUTH_EFFORT', fallback: "the model's own", meaning: 'Reasoning effort of queries that name none' },
  { name: 'CODEX_OAUTH_NO_BROWSER', fallback: '–', meaning: '`1`: never open a browser, only show the address' },
  {
    name: 'CODEX_OAUTH_LOGIN_TIMEOUT_MS',
    fallback: '`300000`',
    meaning: 'How long a sign-in in the browser stays open; one with a code lasts as long as its code, 15 minutes',
  },
  { name: 'CODEX_OAUTH_LOGIN_WAIT_MS', fallback: '`45000`', meaning: 'How long one `codex_login` call waits for it' },
  {
    name: 'CODEX_OAUTH_HEADER_TIMEOUT_MS',
    fallback: '`60000`',
    meaning: 'How long the service may take to accept a question',
  },
  {
    name: 'CODEX_OAUTH_FIRST_EVENT_TIMEOUT_MS',
    fallback: '`120000`',
    meaning: 'How long it may then take to begin its answer',
  },
  { name: 'CODEX_OAUTH_IDLE_TIMEOUT_MS', fallback: '`300000`', meaning: 'Longest silence of an answer from then on' },
  {
    name: 'CODEX_OAUTH_PORTS',
    fallback: '`1455,1457`',
    meaning: 'Callback ports, in order; OpenAI knows only these two',
  },
  {
    name: 'CODEX_OAUTH_ROUTE',
    fallback: 'the login there is, else `codex`',
    meaning: '`codex` or `plan`: what a plain sign-in is for',
  },
  {
    name: 'CODEX_OAUTH_PLAN_PORT',
    fallback: 'any free port',
    meaning: 'Callback port of a sign-in for plan usage, e.g. to forward it over SSH',
  },
  {
    name: 'CODEX_OAUTH_PLAN_BASE_URL',
    fallback: '`https://api.openai.com/v1`',
    meaning: 'Model endpoint of a sign-in for plan usage; api.openai.com or this machine',
  },
  {
    name: 'CODEX_OAUTH_KEEP_ANSWERS',
    fallback: '`1`',
    meaning: '`0`: answers are not kept on disk, only in memory while the server runs',
  },
  { name: 'CODEX_OAUTH_REDIRECT_HOST', fallback: '`localhost`', meaning: '`localhost` or `127.0.0.1` in the redirect' },
  {
    name: 'CODEX_OAUTH_ISSUER',
    fallback: '`https://auth.openai.com`',
    meaning: 'OAuth issuer: what codes and refresh tokens of both logins go to',
  },
  { name: 'CODEX_OAUTH_CLIENT_ID', fallback: 'the public Codex client', meaning: 'OAuth client' },
  {
    name: 'CODEX_OAUTH_BASE_URL',
    fallback: '`https://chatgpt.com/backend-api/codex`',
    meaning: 'Model endpoint of the ChatGPT login',
  },
  {
    name: 'CODEX_OAUTH_ORIGINATOR',
    fallback: '`codex-oauth`',
    meaning: 'The name we give ourselves at the Codex backend',
  },
  {
    name: 'CODEX_OAUTH_CLIENT_VERSION',
    fallback: '`0.169.0`',
    meaning: 'Codex client version we state as compatibility level',
  },
  { name: 'CODEX_API_KEY', fallback: '–', meaning: 'API key, used only when nothing is stored; billed per token' },
  { name: 'OPENAI_API_KEY', fallback: '–', meaning: 'The same, after `CODEX_API_KEY`' },
  {
    name: 'CODEX_ACCESS_TOKEN',
    fallback: '–',
    meaning: 'Access token of a ChatGPT login, used when there is nothing else; not renewed',
  },
  {
    name: 'CODEX_OAUTH_API_KEY_VARIABLE',
    fallback: '–',
    meaning: 'Name of the variable to take the API key from, instead of the two',
  },
  { name: 'OPENAI_BASE_URL', fallback: '`https://api.openai.com/v1`', meaning: 'Model endpoint of an API key' },
  {
    name: 'CODEX_OAUTH_STORE',
    fallback: '`file`',
    meaning: '`file`, `encrypted` or `keychain`: how credentials lie on disk',
  },
  { name: 'CODEX_OAUTH_PASSPHRASE', fallback: '–', meaning: 'Passphrase of the store `encrypted`' },
  {
    name: 'HTTPS_PROXY',
    fallback: '–',
    meaning: 'Proxy; also `HTTP_PROXY`, `ALL_PROXY`, and `NO_PROXY` for hosts to reach directly',
  },
  {
    name: 'CODEX_CA_CERTIFICATE',
    fallback: '–',
    meaning: 'PEM file with certificates to trust as well; also `SSL_CERT_FILE`, `NODE_EXTRA_CA_CERTS`',
  },
  { name: 'CLAUDE_CONFIG_DIR', fallback: '`~/.claude`', meaning: 'Folder of the credentials file' },
  { name: 'CODEX_DEBUG', fallback: '`0`', meaning: '`1`: events to stderr; never a token, prompt or answer' },
]

/** The one secret that a renewal worker is given: without it, it cannot open what it has to renew. */
export const PASSPHRASE_VARIABLE = 'CODEX_OAUTH_PASSPHRASE'

/** Read once, then removed from the environment, so that no child process inherits them. */
export const SECRET_VARIABLES: readonly string[] = [
  'CODEX_API_KEY',
  'OPENAI_API_KEY',
  'CODEX_ACCESS_TOKEN',
  PASSPHRASE_VARIABLE,
]
