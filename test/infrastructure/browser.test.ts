import { execFile } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type BrowserOutcome, openInBrowser } from '../../src/infrastructure/browser.ts'
import { readSurroundings, type Surroundings } from '../../src/infrastructure/surroundings.ts'

type Env = Record<string, string>

const at = (env: Env, platform: NodeJS.Platform = 'linux'): { surroundings: Surroundings } => ({
  surroundings: readSurroundings({ env, platform, exists: () => false }),
})

const SOURCE = fileURLToPath(new URL('../../src/infrastructure/browser.ts', import.meta.url))
const URL_TO_OPEN = 'https://auth.openai.com/oauth/authorize?client_id=app_x&scope=openid+profile&state=s_-~'
const NOT_STARTED = { opened: false, reason: 'No browser could be started on this machine.' }

/** Each would run, be split, be expanded or be changed by a shell or a careless parser on the way. */
const PASSED_ON = [
  URL_TO_OPEN,
  'http://localhost:1455/a',
  'http://127.0.0.1:1455/a?b=c',
  'http://[::1]:1455/',
  'https://x.test/$(touch$IFS$9PWNED)',
  'https://x.test/`touch$IFS$9PWNED`',
  'https://x.test/?a=1;touch$IFS$9PWNED;b=2&c=3|touch$IFS$9PWNED&',
  'https://x.test/"\'"\'>PWNED<PWNED',
  'https://x.test/\\"\\\'\\\\',
  'https://x.test/%s%d%n%00%0a%22',
  'https://x.test/*?[a-z]*{a,b}~!!^#$HOME%PATH%',
  'https://x.test/--help',
  `https://x.test/${'a'.repeat(8_177)}`,
]

const REFUSED = [
  '',
  'x',
  'https://',
  'https:///',
  'https:x.test',
  'https:\\\\x.test',
  'https:/x.test/',
  'HTTPS://x.test/',
  ' https://x.test/',
  'https://x.test/ a',
  'https://x.test/\n--help',
  'https://x.test/\r\nx',
  'https://x.test/\t',
  'https://x.test/\0',
  'https://x.test/\x1b[2J',
  'https://x.test/ü',
  'https://x.test/\u202e',
  'https://x.test/’; calc; ‘',
  'https://x.test:99999/',
  'http://x.test/',
  'http://localhost.x.test/',
  'http://localhost@x.test/',
  'http://x.test#@localhost/',
  'http://127.0.0.1.x.test/',
  'http://0.0.0.0/',
  '//localhost/',
  'file:///etc/passwd',
  '/etc/passwd',
  'file://localhost/etc/passwd',
  'javascript:alert(1)',
  'javascript://x.test/%0aalert(1)',
  'data:text/html,x',
  'ms-settings:',
  'vscode://file/etc/passwd',
  'smb://localhost/x',
  'ftp://localhost/',
  'view-source:https://x.test/',
  'blob:https://x.test/',
  '-a',
  '--version',
  '-https://x.test/',
  `https://x.test/${'a'.repeat(8_178)}`,
]

describe('an address that is none for a browser is refused', () => {
  test.each(REFUSED.map((url) => [url.length > 100 ? `${url.slice(0, 20)}…` : url, url]))('%j', async (_, url) => {
    const outcome = await openInBrowser(url, at({ BROWSER: '/bin/false' }))
    expect(outcome).toEqual({ opened: false, reason: expect.stringMatching(/^The address .*\.$/) })
  })
})

describe('a browser that nobody would see is not even tried', () => {
  const SSH = 'This is an SSH session, so a browser started here would not be visible to you.'
  const NO_DISPLAY = 'There is no display here on which a browser could be shown.'
  test.each<[NodeJS.Platform, Env, string]>([
    ['linux', {}, NO_DISPLAY],
    ['linux', { DISPLAY: '', WAYLAND_DISPLAY: '', BROWSER: '' }, NO_DISPLAY],
    ['freebsd', {}, NO_DISPLAY],
    ['linux', { SSH_CONNECTION: '1 2 3 4' }, SSH],
    ['linux', { SSH_TTY: '/dev/pts/0' }, SSH],
    ['linux', { SSH_CONNECTION: '1 2 3 4', WSL_DISTRO_NAME: 'Ubuntu' }, SSH],
    ['darwin', { SSH_CONNECTION: '1 2 3 4' }, SSH],
    ['darwin', { SSH_CLIENT: '1 2 3', DISPLAY: 'localhost:10.0' }, SSH],
    ['win32', { SSH_CONNECTION: '1 2 3 4' }, SSH],
    ['linux', { SSH_CONNECTION: '1 2 3 4', DISPLAY: ':0' }, SSH],
    ['linux', { container: 'podman' }, 'This is a container, in which no browser can be shown.'],
  ])('%s %j', async (platform, env, reason) => {
    expect(await openInBrowser(URL_TO_OPEN, at(env, platform))).toEqual({ opened: false, reason })
  })
})

/**
 * The launcher is `open`'s own xdg-open script, which asks BROWSER, as long as `open` lies in a folder of its own; in
 * one bundled file it is the xdg-open of the system. So the fake browser is named in BROWSER and called xdg-open.
 */
describe.skipIf(process.platform !== 'linux').each(['unbundled', 'bundled'] as const)('%s, on Linux', (form) => {
  let folder: string
  let program: string
  let record: string
  let pidFile: string

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'browser-test-'))
    program = form === 'bundled' ? await bundle(folder) : SOURCE
  })
  afterAll(() => rmSync(folder, { recursive: true }))
  beforeEach(() => {
    mkdirSync(join(folder, 'bin'))
    record = join(folder, 'record')
    pidFile = join(folder, 'pid')
  })
  afterEach(() => {
    if (existsSync(pidFile)) process.kill(Number(readFileSync(pidFile, 'utf8')))
    for (const name of ['bin', 'record', 'pid']) rmSync(join(folder, name), { recursive: true, force: true })
  })

  test('every address arrives unchanged as the one argument, or not at all, and nothing is executed', async () => {
    installBrowser(`printf '%s\\n' "$#" "$@" >> '${record}'`)
    const outcomes = await openAll([...PASSED_ON, ...REFUSED])
    expect(outcomes.slice(0, PASSED_ON.length)).toEqual(PASSED_ON.map(() => ({ opened: true })))
    expect(outcomes.slice(PASSED_ON.length).filter(({ opened }) => opened)).toEqual([])
    expect(readFileSync(record, 'utf8')).toBe(PASSED_ON.map((url) => `1\n${url}\n`).join(''))
    expect(readdirSync(folder).filter((name) => name.includes('PWNED'))).toEqual([])
  })

  test.each([
    ['a display', { DISPLAY: ':99' }],
    ['a Wayland display', { WAYLAND_DISPLAY: 'wayland-9' }],
    ['a display over SSH', { SSH_CONNECTION: '1 2 3 4', DISPLAY: 'localhost:10.0' }],
    ['BROWSER alone', { BROWSER: 'x' }],
    ['BROWSER over SSH, as VS Code Remote sets it', { SSH_CONNECTION: '1 2 3 4', BROWSER: 'x' }],
    ['WSL', { WSL_DISTRO_NAME: 'Ubuntu' }],
    ['WSL, seen by its other variable', { WSL_INTEROP: '/run/WSL/1_interop' }],
  ])('with %s it is tried', async (_, env) => {
    installBrowser(`printf '%s\\n' "$1" >> '${record}'`)
    expect(await openAll([URL_TO_OPEN], { env })).toEqual([{ opened: true }])
    expect(readFileSync(record, 'utf8')).toBe(`${URL_TO_OPEN}\n`)
  })

  test('the program that BROWSER names is asked first, and the opener of the system when it fails', async () => {
    const [working, broken] = [join(folder, 'bin', 'helper'), join(folder, 'bin', 'broken')]
    writeFileSync(working, `#!/bin/sh\nprintf 'helper %s\\n' "$1" >> '${record}'\n`, { mode: 0o755 })
    writeFileSync(broken, '#!/bin/sh\nexit 1\n', { mode: 0o755 })
    installBrowser(`printf 'opener %s\\n' "$1" >> '${record}'`)
    for (const program of [working, broken, '/nowhere/at/all', `${working} %s`, 'browser']) {
      expect(await openAll([URL_TO_OPEN], { program })).toEqual([{ opened: true }])
    }
    const openers = ['helper', 'opener', 'opener', 'opener', 'opener']
    expect(readFileSync(record, 'utf8')).toBe(openers.map((name) => `${name} ${URL_TO_OPEN}\n`).join(''))
  })

  test('a launcher that fails is told', async () => {
    installBrowser('exit 3')
    expect(await openAll([URL_TO_OPEN])).toEqual([NOT_STARTED])
  })

  test('a launcher that is killed is told', async () => {
    installBrowser('kill -9 $$')
    expect(await openAll([URL_TO_OPEN])).toEqual([NOT_STARTED])
  })

  test('no browser at all is told', async () => {
    expect(await openAll([URL_TO_OPEN], { browser: join(folder, 'bin', 'missing') })).toEqual([NOT_STARTED])
  })

  test('a file that cannot be run is told', async () => {
    installBrowser('exit 0')
    chmodSync(join(folder, 'bin', 'xdg-open'), 0o644)
    expect(await openAll([URL_TO_OPEN])).toEqual([NOT_STARTED])
  })

  test('a launcher that becomes the browser counts as opened, and is left behind', async () => {
    installBrowser(stayingBrowser())
    const start = performance.now()
    expect(await openAll([URL_TO_OPEN], { settleMs: 300 })).toEqual([{ opened: true }])
    expect(performance.now() - start).toBeLessThan(5_000)
    expect(isAlive(Number(readFileSync(pidFile, 'utf8')))).toBe(true)
  })

  test('waiting for it does not keep the process alive', async () => {
    installBrowser(stayingBrowser())
    const start = performance.now()
    const call = `openInBrowser(${JSON.stringify(URL_TO_OPEN)}, { surroundings: { place: 'desk', hasBrowser: true }, settleMs: 30000 })`
    const stdout = await runNode(`void ${call}.then(console.log)`)
    expect(stdout).toBe('')
    expect(performance.now() - start).toBeLessThan(5_000)
    // Known only once the browser has written it, and needed to end it.
    await expect.poll(() => existsSync(pidFile) && readFileSync(pidFile, 'utf8'), { timeout: 5_000 }).toMatch(/\n$/)
  })

  function installBrowser(script: string): void {
    writeFileSync(join(folder, 'bin', 'xdg-open'), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  }

  /** Ends well when it is told to end: xdg-open starts a browser that failed a second time. */
  function stayingBrowser(): string {
    return `trap 'kill $!; exit 0' TERM; sleep 60 & echo $$ > '${pidFile}'; wait`
  }

  interface Circumstances {
    /** What `openInBrowser` is told; the launcher sees the environment of the process. */
    env?: Env
    browser?: string
    program?: string
    settleMs?: number
  }

  async function openAll(
    urls: string[],
    { settleMs = 10_000, ...others }: Circumstances = {},
  ): Promise<BrowserOutcome[]> {
    const { env = { DISPLAY: ':0' }, browser, program } = others
    const options = JSON.stringify({ ...at(env), program, settleMs })
    const script = `
      const hold = setInterval(() => {}, 1000)
      const outcomes = []
      for (const url of ${JSON.stringify(urls)}) outcomes.push(await openInBrowser(url, ${options}))
      console.log(JSON.stringify(outcomes))
      clearInterval(hold)`
    return JSON.parse(await runNode(script, browser))
  }

  /** Ends by itself or fails after 10 s. The environment holds nothing but what is named here. */
  async function runNode(script: string, browser = join(folder, 'bin', 'xdg-open')): Promise<string> {
    // The system's own commands stay out of the path in bundled form, or its xdg-open would be found.
    const path = [join(folder, 'bin'), ...(form === 'bundled' ? [join(folder, 'tools')] : ['/usr/bin', '/bin'])]
    const args = ['--import', import.meta.resolve('tsx'), '--input-type=module', '--eval']
    const setup = `import { openInBrowser } from ${JSON.stringify(program)}\n`
    const { stdout } = await promisify(execFile)(process.execPath, [...args, setup + script], {
      cwd: folder,
      timeout: 10_000,
      env: { HOME: folder, PATH: path.join(':'), BROWSER: browser },
    })
    return stdout
  }
})

/** One file as `dist/main.js` is one, and `sleep`, the only command a fake browser needs. */
async function bundle(folder: string): Promise<string> {
  const outfile = join(folder, 'browser.mjs')
  await build({ entryPoints: [SOURCE], outfile, bundle: true, platform: 'node', format: 'esm', target: 'node20' })
  mkdirSync(join(folder, 'tools'))
  writeFileSync(join(folder, 'tools', 'sleep'), '#!/bin/sh\nexec /bin/sleep "$@"\n', { mode: 0o755 })
  return outfile
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
