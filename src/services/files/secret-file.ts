/**
 * What makes a file look like one with secrets, by its path with `/`, as words that go on after its name; undefined for any
 * other. Names of templates, public keys and source code are not taken for secrets.
 */
export function secretName(path: string): string | undefined {
  const parts = path.toLowerCase().split(/[/\\]/)
  const [name = '', folder = ''] = parts.toReversed()
  const secretFolder = parts.find((part) => SECRET_FOLDERS.includes(part))
  if (secretFolder !== undefined) return `lies in ${secretFolder}, which is never sent`
  if (`/${parts.join('/')}`.includes(OWN_FOLDER)) return 'is kept by this program itself and never sent'
  const isSecret =
    (isData(name) && foldersThatCount(path, parts).some((part) => SECRET_DATA_FOLDERS.includes(part))) ||
    (SECRET_NAMES.some((pattern) => pattern.test(name)) && !HARMLESS_NAMES.some((pattern) => pattern.test(name))) ||
    SECRET_PLACES.includes(`${folder}/${name}`)
  return isSecret ? 'has a name that files with secrets have, and those are never sent' : undefined
}

/** The same for its content: a private key, in whatever file it stands. */
export function secretContent(text: string): string | undefined {
  return hasPrivateKey(text) ? 'has a private key in it, and those are never sent' : undefined
}

const SECRET_FOLDERS = ['.git', '.ssh', '.gnupg', '.password-store']

/** Data in them is what they are called; code in them is not. */
const SECRET_DATA_FOLDERS = ['secret', 'secrets', '.secrets', 'credentials', '.aws', '.kube']

const OWN_FOLDER = '/.claude/codex-oauth/'

const SECRET_PLACES = ['.aws/config', '.docker/config.json', '.kube/config', 'gh/hosts.yml', 'gcloud/access_tokens.db']

const SECRET_NAMES = [
  // Variables.
  /^\.env(?:[^a-z0-9].*)?$/,
  /\.env$/,
  /^\.envrc$/,
  // Keys.
  /\.(?:pem|key|p8|p12|pfx|kdbx|keystore|jks|ppk)$/,
  /^id_(?:rsa|dsa|ecdsa|ed25519|xmss)/,
  // Passwords and tokens of programs.
  /^\.(?:npmrc|netrc|pypirc|git-credentials|pgpass|my\.cnf|htpasswd|dockercfg|vault-token|claude\.json)$/,
  /^_netrc$/,
  /^auth\.json$/,
  /service[-_]?account.*\.json$/,
  /^client_secret.*\.json$/,
  /^(?:\.|application_default_)?credentials/,
  /^\.?secrets?(?:\..+)?$/,
  /^kubeconfig$/,
  // What is deployed, and with what.
  /\.tfvars(?:\.json)?$/,
  /\.tfstate(?:\..+)?$/,
  /^wp-config\.php$/,
  /(?:^|[-_.])(?:secrets?|passwords?|passwd|api[-_]?keys?|access[-_]?keys?|private[-_]?keys?|tokens?)\.(?:json|ya?ml|toml|ini|env|properties|txt|csv|xml|conf|cfg)$/,
  /(?:^|[-_.])secrets?[-_.][^/]*\.(?:json|ya?ml|toml|ini|env|properties|txt|conf|cfg)$/,
  /firebase-adminsdk.*\.json$/,
  /^(?:gcp|gcloud|google)[-_]?(?:key|credentials?).*\.json$/,
]

/** A project may itself lie in a folder called like that, so of a whole path only the last folder counts. */
function foldersThatCount(path: string, parts: readonly string[]): readonly string[] {
  return parts.slice(isAbsolute(path) ? -2 : 0, -1)
}

function isAbsolute(path: string): boolean {
  return /^(?:\/|\\|[a-z]:)/i.test(path)
}

function isData(name: string): boolean {
  return /\.(?:json|ya?ml|toml|ini|env|properties|txt|csv|xml|conf|cfg|enc|asc|gpg|key)$|^[^.]+$/.test(name)
}

/** Code about secrets is called after them. Python, Ruby, PHP and C keep real ones in files called `secrets`. */
const HARMLESS_NAMES = [
  /^\.env[._-](?:example|sample|template|dist)$/,
  /^id_\w+\.pub$/,
  /^(?:credentials.*|secrets?(?:\..*)?)\.(?:[cm]?[jt]sx?|vue|svelte|go|rs|java|kts?|scala|cs|swift|cc|cpp|mdx?|rst|html|css)$/,
  /^credentials.*\.(?:py|rb|php|c|h|hpp)$/,
]

/** A marker alone is not one: code that looks for keys has it too. What follows or precedes it has to look like a key. */
function hasPrivateKey(text: string): boolean {
  if (/^[ +-]?PuTTY-User-Key-File-\d/m.test(text)) return true
  return [...text.matchAll(MARKER)].some(({ 0: marker, 1: edge, index }) => {
    const end = index + marker.length
    const beside = edge === 'BEGIN' ? text.slice(end, end + REACH) : text.slice(Math.max(0, index - REACH), index)
    return (beside.match(KEY_DATA) ?? []).some((data) => [/\d/, /[A-Z]/, /[a-z]/].every((kind) => kind.test(data)))
  })
}

const MARKER = /-----(BEGIN|END) (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----/g
/** Between a marker and the key may stand headers, line ends as JSON writes them, quotation marks, and the signs of a diff. */
const REACH = 400
const KEY_DATA = /[A-Za-z0-9+/]{40,}/g
