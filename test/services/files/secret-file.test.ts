import { generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { secretContent, secretName } from '../../../src/services/files/secret-file.ts'
import { privateKeyPem } from '../../support/private-key.ts'

test.each([
  ['variables', ['.env', '.env.local', '.env.production', 'app/.ENV', 'prod.env', '.envrc']],
  ['copies of those', ['.env~', '.env-production', '.env_local', '.env.bak']],
  ['keys', ['server.pem', 'a/b.key', 'x.p12', 'x.PFX', 'db.kdbx', 'release.keystore', 'x.jks', 'x.p8', 'x.ppk']],
  ['keys of SSH', ['id_rsa', 'id_ed25519', 'id_ecdsa_sk', 'id_rsa.bak', 'home/.ssh/config', '.ssh/known_hosts']],
  ['programs', ['.npmrc', '.netrc', '_netrc', '.pypirc', '.git-credentials', '.pgpass', '.htpasswd', '.claude.json']],
  [
    'places',
    [
      '.aws/credentials',
      '.aws/config',
      '.docker/config.json',
      '.kube/config',
      '.config/gh/hosts.yml',
      '.gnupg/x',
      '.git/config',
    ],
  ],
  [
    'accounts',
    ['service-account.json', 'my-service_account-prod.json', 'serviceAccountKey.json', 'client_secret_1.json'],
  ],
  ['sign-ins', ['auth.json', '.claude/auth.json', 'credentials', 'credentials.json', '.credentials.json']],
  ['sign-ins of Google', ['.config/gcloud/application_default_credentials.json']],
  ['more of them', ['credentials-prod.yml.enc', 'secrets.yml', 'secret.txt', 'secrets', 'secrets.py', 'secrets.h']],
  ['what this program keeps', ['/home/ann/.claude/codex-oauth/answers/1.json']],
  ['on Windows', ['C:\\work\\.ssh\\config', 'C:\\work\\.env']],
])('%s', (_, names) => {
  expect(names.filter((name) => secretName(name) === undefined)).toEqual([])
})

test.each([
  [
    'templates',
    ['.env.example', '.env-example', '.env.sample', '.env.template', 'env.ts', 'environment.prod.ts', '.environment'],
  ],
  ['public keys', ['id_rsa.pub', 'id_ed25519.pub']],
  ['code about secrets', ['credentials.ts', 'credentialsStore.tsx', 'credentials.py', 'secrets.test.ts', 'secret.go']],
  ['documents', ['secrets.md', 'credentials.mdx', 'docs/authentication.md', 'secretary.txt', 'keyboard.json']],
  ['plain settings', ['config.json', 'docker/config.json', '.gitignore', '.github/workflows/ci.yml', 'authors.json']],
  ['folders that are called after us', ['codex-oauth/src/app.ts', 'my.git/x']],
])('not %s', (_, names) => {
  expect(names.filter((name) => secretName(name) !== undefined)).toEqual([])
})

describe('a private key', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  const kinds: [string, string][] = [
    ['PKCS #8', privateKeyPem()],
    ['of RSA', rsa.export({ type: 'pkcs1', format: 'pem' }) as string],
    ['of EC', ec.export({ type: 'sec1', format: 'pem' }) as string],
    ['encrypted', rsa.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }) as string],
    [
      'encrypted with headers',
      rsa.export({ type: 'pkcs1', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }) as string,
    ],
    ['of PuTTY', 'PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n'],
  ]
  test.each(kinds)('%s', (_, pem) => {
    const forms = [
      pem,
      `text before\r\n${pem.replaceAll('\n', '\r\n')}`,
      pem
        .split('\n')
        .map((line) => `+${line}`)
        .join('\n'),
    ]
    expect(forms.filter((text) => secretContent(text) === undefined)).toEqual([])
  })

  test('in JSON, in code, and with only one of its ends', () => {
    const pem = privateKeyPem()
    const forms = [
      JSON.stringify({ private_key: pem }),
      pem
        .split('\n')
        .map((line) => `  '${line}\\n' +`)
        .join('\n'),
      pem.replace(/-----END.*/s, ''),
      pem.replace(/-----BEGIN.*?\n/, ''),
    ]
    expect(forms.filter((text) => secretContent(text) === undefined)).toEqual([])
  })

  test('is none where there is only talk of one, or a public one', () => {
    const source = readFileSync(join(import.meta.dirname, '../../../src/services/files/secret-file.ts'), 'utf8')
    const pem = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }) as string
    const talk = "if (text.includes('-----BEGIN PRIVATE KEY-----')) throw new Error('do not send keys')"
    const folder = `-----BEGIN PRIVATE KEY-----\n${'/some/path/of/a/file'.repeat(4)}`
    expect([source, pem, talk, folder].map(secretContent)).toEqual(Array(4).fill(undefined))
  })

  test('is looked for in time, however hostile the text', () => {
    const before = performance.now()
    secretContent('-----BEGIN PRIVATE KEY-----'.repeat(37_000))
    secretContent(`-----BEGIN ${'A '.repeat(500_000)}`)
    secretContent('-----BEGIN '.repeat(90_000))
    expect(performance.now() - before).toBeLessThan(3000)
  })
})

test.each([
  'secrets/prod.yaml',
  'config/secrets/eu/prod.json',
  'deploy/secret/db',
  '/home/me/app/secrets/prod.yaml',
  'application-secrets.yml',
  'prod.secrets.json',
  'prod.tfvars',
  'terraform.tfstate.backup',
  'api_key.txt',
  'my-passwords.txt',
  'token.json',
  'wp-config.php',
  'gcp-key.json',
  'x-firebase-adminsdk-1.json',
])('%s looks like one with secrets', (path) => {
  expect(secretName(path)).toContain('never sent')
})

test.each([
  'src/secrets/index.ts',
  'secrets/README.md',
  '/home/me/secrets/app/src/main.json',
  'src/tokenizer.json',
  'password-reset.ts',
  'tokens.css',
  'api-keys.md',
])('%s does not', (path) => {
  expect(secretName(path)).toBeUndefined()
})
