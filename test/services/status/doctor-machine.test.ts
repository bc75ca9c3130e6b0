import { spawnSync } from 'node:child_process'
import { chmodSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Surroundings } from '../../../src/infrastructure/surroundings.ts'
import type { DoctorCheck } from '../../../src/services/status/doctor.ts'
import { inWords, startDoctorBench } from '../../support/doctor-bench.ts'
import { freePorts } from '../../support/free-ports.ts'
import { tempFolder } from '../../support/temp-folder.ts'

const isLinux = process.platform === 'linux'

async function hold(port: number, host: string): Promise<void> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve))
  onTestFinished(() => void server.close())
}

test.each([
  ['20.18.3', 'problem'],
  ['18.20.0', 'problem'],
  ['20.19.0', 'ok'],
  ['22.1.0', 'ok'],
  ['24.0.0-nightly', 'ok'],
])('Node %s is: %s', async (nodeVersion, state) => {
  const bench = await startDoctorBench()
  bench.deps.machine.nodeVersion = nodeVersion
  const [line = ''] = await bench.lines('node')
  expect(line).toContain(
    `${state}: codex-oauth 0.0.0-test runs on Node ${nodeVersion} (${process.platform} ${process.arch}).`,
  )
  expect(line.includes('Install Node 20.19 or newer.')).toBe(state === 'problem')
})

test('a setting that makes no sense is named', async () => {
  const bench = await startDoctorBench({ env: { CODEX_OAUTH_ORIGINATOR: 'a b' } })
  expect((await bench.lines('settings'))[0]).toMatch(
    /^problem: A setting .*CODEX_OAUTH_ORIGINATOR may hold only.* → Correct or remove/,
  )
})

describe('where a browser', () => {
  const lines = async (surroundings: Surroundings, { searchPath = '', browser = '', env = {} } = {}) => {
    const bench = await startDoctorBench({ env: { CODEX_OAUTH_NO_BROWSER: '', ...env }, deps: { surroundings } })
    Object.assign(bench.deps.machine, { searchPath, browser, platform: 'linux' })
    const checks = await bench.run()
    return checks.filter(({ name }) => name === 'surroundings' || name === 'browser').map(inWords)
  }

  test.each([
    ['ssh', 'This is an SSH session'],
    ['container', 'This is a container'],
    ['headless', 'There is no display here'],
  ] as const)('cannot be seen (%s), the other ways are named', async (place, words) => {
    const [where, browser] = await lines({ place, hasBrowser: false })
    expect(where).toMatch(
      new RegExp(`^warning: ${words}.* → Use codex_login with method "device".*address of the page`),
    )
    expect(browser).toBe('skipped: No browser would be seen here.')
  })

  test('can be seen, the program that opens it is looked for', async () => {
    const folder = tempFolder()
    const opener = join(folder, 'xdg-open')
    const desk = { place: 'desk', hasBrowser: true } as const
    const searchPath = `/nowhere::${folder}`
    const missing = expect.stringMatching(
      /^warning: No program that opens a browser was found \(xdg-open\)\. → Install xdg-utils/,
    )
    expect((await lines(desk, { searchPath }))[1]).toEqual(missing)
    writeFileSync(opener, '#!/bin/sh\n', { mode: 0o644 })
    expect((await lines(desk, { searchPath }))[1]).toEqual(missing)
    chmodSync(opener, 0o755)
    expect(await lines(desk, { searchPath })).toEqual([
      'ok: This is a computer with a screen. A browser can be shown.',
      'ok: The browser is opened with xdg-open.',
    ])
  })

  test('is that of Windows, its own program is looked for', async () => {
    const folder = tempFolder()
    const wsl = { place: 'wsl', hasBrowser: true } as const
    expect((await lines(wsl))[1]).toMatch(/^warning: .*powershell\.exe, wslview or xdg-open.* → Install wslu/)
    writeFileSync(join(folder, 'wslview'), '', { mode: 0o755 })
    expect(await lines(wsl, { searchPath: folder })).toEqual([
      'ok: This is Linux under Windows (WSL). A browser can be shown.',
      'ok: The browser is opened with wslview.',
    ])
  })

  test('is named in BROWSER, that program is looked for first', async () => {
    const folder = tempFolder()
    const desk = { place: 'desk', hasBrowser: true } as const
    writeFileSync(join(folder, 'helper'), '', { mode: 0o755 })
    const browser = join(folder, 'helper')
    const found = 'ok: The browser is opened with helper.'
    expect((await lines(desk, { searchPath: folder, browser: 'helper' }))[1]).toBe(found)
    expect((await lines(desk, { browser }))[1]).toBe(`ok: The browser is opened with ${browser}.`)
    const missing = expect.stringMatching(/^warning: .*\(gone or xdg-open\)/)
    expect((await lines(desk, { searchPath: folder, browser: 'gone' }))[1]).toEqual(missing)
    // A list with placeholders is left to the opener of the desktop.
    expect((await lines(desk, { searchPath: folder, browser: 'helper %s:other' }))[1]).toMatch(/\(xdg-open\)/)
  })

  test('is not wanted, none is looked for', async () => {
    const desk = { place: 'desk', hasBrowser: true } as const
    expect((await lines(desk, { env: { CODEX_OAUTH_NO_BROWSER: '1' } }))[1]).toBe(
      'ok: CODEX_OAUTH_NO_BROWSER is set: no browser is opened.',
    )
  })

  test.each(['darwin', 'win32'] as const)(
    'is opened by the system itself (%s), nothing is looked for',
    async (platform) => {
      const bench = await startDoctorBench({ env: { CODEX_OAUTH_NO_BROWSER: '' } })
      bench.deps.machine.platform = platform
      expect(await bench.lines('browser')).toEqual(['ok: The system opens the browser by itself.'])
    },
  )
})

describe('the ports', () => {
  async function portLines(taken: readonly [number, string][]) {
    const ports = await freePorts(2)
    for (const [index, host] of taken) await hold(ports[index] ?? 0, host)
    const bench = await startDoctorBench({ env: { CODEX_OAUTH_PORTS: ports.join(',') } })
    const lines = (await bench.run()).filter(({ name }) => name.startsWith('port ')).map(inWords)
    return lines.map((line) => line.replace(String(ports[0]), 'FIRST').replace(String(ports[1]), 'SECOND'))
  }
  const by = isLinux ? ` by .+ \\(process ${process.pid}\\)` : ''

  test('are free', async () => {
    expect(await portLines([])).toEqual([
      'ok: Port FIRST is free for the answer of the browser.',
      'ok: Port SECOND is free for the answer of the browser.',
    ])
  })

  test.each(['127.0.0.1', '::1'])('are half taken, on %s: the sign-in works', async (host) => {
    const [first, second] = await portLines([[0, host]])
    expect(first).toMatch(new RegExp(`^warning: Port FIRST is taken on ${host}${by}\\. → Another port is free`))
    expect(second).toMatch(/^ok: /)
  })

  test('are all taken: only the other ways are left', async () => {
    const [first, second] = await portLines([
      [0, '127.0.0.1'],
      [0, '::1'],
      [1, '127.0.0.1'],
    ])
    expect(first).toMatch(
      new RegExp(`^problem: Port FIRST is taken on 127.0.0.1 and ::1${by}\\. → End the program.*"device"`),
    )
    expect(second).toMatch(new RegExp(`^problem: Port SECOND is taken on 127.0.0.1${by}\\. → End the program`))
  })

  test('can be asked about again at once', async () => {
    const bench = await startDoctorBench()
    await bench.run()
    expect((await bench.run()).filter(({ name, state }) => name.startsWith('port ') && state !== 'ok')).toEqual([])
  })
})

const NAMESPACE = ['--user', '--map-root-user', '--net', 'sh', '-c']
const hasNamespaces = spawnSync('unshare', [...NAMESPACE, 'ip link set lo up'], { stdio: 'ignore' }).status === 0

describe.skipIf(!hasNamespaces)('on a machine', () => {
  const program = fileURLToPath(new URL('../../support/children/examines.ts', import.meta.url))

  function linesIn(setUp: string): Record<string, string> {
    const command = [process.execPath, '--import', import.meta.resolve('tsx'), program, '80']
    const { stdout } = spawnSync('unshare', [...NAMESPACE, `${setUp} && exec "$@"`, 'sh', ...command], {
      encoding: 'utf8',
    })
    return Object.fromEntries((JSON.parse(stdout) as DoctorCheck[]).map((check) => [check.name, inWords(check)]))
  }

  test('without IPv6, 127.0.0.1 is enough', () => {
    const lines = linesIn('ip link set lo up && ip addr del ::1/128 dev lo')
    expect(lines.loopback).toBe('ok: There is no IPv6 loopback (::1); 127.0.0.1 is enough.')
    expect(lines['port 80']).toMatch(/^ok: /)
  })

  test('without IPv4, that is said', () => {
    expect(linesIn('ip link set lo up && ip addr del 127.0.0.1/8 dev lo').loopback).toMatch(
      /^warning: 127\.0\.0\.1 cannot be listened on \(127\.0\.0\.1 EADDRNOTAVAIL, ::1 is free\)\. → Bring up/,
    )
  })

  test('without any loopback, neither address nor port is usable', () => {
    const lines = linesIn('ip link set lo up && ip addr flush dev lo')
    expect(lines.loopback).toMatch(/^problem: No loopback address .*EADDRNOTAVAIL.*EADDRNOTAVAIL.* → Bring up/)
    expect(lines['port 80']).toMatch(/^problem: Port 80 cannot be listened on \(127\.0\.0\.1 EADDRNOTAVAIL/)
  })

  test('that reserves low ports, the system’s code is shown', () => {
    const drop = 'ip link set lo up && exec setpriv --bounding-set=-net_bind_service --inh-caps=-net_bind_service true'
    if (spawnSync('unshare', [...NAMESPACE, drop]).status !== 0) return
    const lines = linesIn(drop.replace(/true$/, '"$@"'))
    expect(lines['port 80']).toMatch(/^problem: Port 80 cannot be listened on \(127\.0\.0\.1 EACCES, ::1 EACCES\)/)
  })
})
