import type { Config } from '../../config.ts'
import type { CodexError } from '../../errors.ts'
import { isPlainName, whyInvisible } from '../../infrastructure/browser.ts'
import { findProgram } from '../../infrastructure/find-program.ts'
import { holderOf } from '../../infrastructure/port-holder.ts'
import { type PortState, probePort } from '../../infrastructure/port-probe.ts'
import type { Place, Surroundings } from '../../infrastructure/surroundings.ts'
import { type DoctorCheck, type Guard, ok, problem, skipped, warning } from './doctor-check.ts'

/** What the report says about the computer. */
export interface Machine {
  /** Without the `v`. */
  nodeVersion: string
  platform: NodeJS.Platform
  arch: string
  /** PATH. */
  searchPath: string | undefined
  /** BROWSER, where it counts. */
  browser: string | undefined
  /** The user's home folder: shown as `~`. */
  home: string
}

export interface MachineDeps {
  config: Pick<Config, 'ports' | 'planPort' | 'openBrowser'>
  configProblem: CodexError | undefined
  surroundings: Surroundings
  machine: Machine
  version: string
}

/** The other ways to sign in, for whoever cannot use the browser here. */
const OTHER_WAYS =
  'Use codex_login with method "device", or open the address of the sign-in on your own computer and give the address ' +
  'of the page that does not load to codex_login as callback_url.'

const PORT_LIMIT_MS = 5_000

export async function checkMachine(deps: MachineDeps, guard: Guard): Promise<readonly DoctorCheck[]> {
  const { config, configProblem, machine, version } = deps
  const checks = [
    guard('node', PORT_LIMIT_MS, () => checkNode(machine, version)),
    guard('settings', PORT_LIMIT_MS, () => checkSettings(configProblem)),
    guard('browser', PORT_LIMIT_MS, () => checkBrowser(deps)),
    guard('loopback', PORT_LIMIT_MS, async () => checkLoopback(await probePort(0))),
    guard('ports', PORT_LIMIT_MS, async () => checkPorts(await probeAll(config.ports), machine.platform)),
    guard('plan port', PORT_LIMIT_MS, () => checkPlanPort(config.planPort, machine.platform)),
  ]
  return (await Promise.all(checks)).flat()
}

function checkNode({ nodeVersion, platform, arch }: Machine, version: string): DoctorCheck {
  const finding = `codex-oauth ${version} runs on Node ${nodeVersion} (${platform} ${arch}).`
  const [major = 0, minor = 0] = nodeVersion.split('.').map(Number)
  if (major > 20 || (major === 20 && minor >= 19)) return ok('node', finding)
  return problem('node', finding, 'Install Node 20.19 or newer.')
}

function checkSettings(configProblem: CodexError | undefined): DoctorCheck {
  if (configProblem === undefined) return ok('settings', 'All settings make sense.')
  return problem('settings', configProblem.message, configProblem.hint ?? 'Correct or remove it.')
}

function checkBrowser({ config, surroundings, machine }: MachineDeps): readonly DoctorCheck[] {
  const where = `This is ${PLACES[surroundings.place]}.`
  const invisible = whyInvisible(surroundings)
  if (invisible !== undefined) {
    return [warning('surroundings', invisible, OTHER_WAYS), skipped('browser', 'No browser would be seen here.')]
  }
  const here = ok('surroundings', `${where} A browser can be shown.`)
  if (!config.openBrowser) return [here, ok('browser', 'CODEX_OAUTH_NO_BROWSER is set: no browser is opened.')]
  return [here, checkOpener(surroundings.place, machine)]
}

const PLACES: Readonly<Record<Place, string>> = {
  desk: 'a computer with a screen',
  wsl: 'Linux under Windows (WSL)',
  ssh: 'an SSH session',
  container: 'a container',
  headless: 'a computer without a screen',
}

function checkOpener(place: Place, { platform, searchPath, browser }: Machine): DoctorCheck {
  if (platform === 'darwin' || platform === 'win32') return ok('browser', 'The system opens the browser by itself.')
  const named = isPlainName(browser) ? [browser] : []
  const openers = place === 'wsl' ? [...WINDOWS_OPENERS, 'xdg-open'] : ['xdg-open']
  const found = findProgram([...named, ...openers], searchPath)
  if (found !== undefined) return ok('browser', `The browser is opened with ${found}.`)
  const usual = place === 'wsl' ? ['powershell.exe', 'wslview'] : []
  const missing = [[...named, ...usual].join(', '), 'xdg-open'].filter(Boolean).join(' or ')
  const remedy = `Install ${place === 'wsl' ? 'wslu' : 'xdg-utils'}, or open the address of the sign-in yourself.`
  return warning('browser', `No program that opens a browser was found (${missing}).`, remedy)
}

const WINDOWS_OPENERS = ['/mnt/c/Windows/System32/WindowsPowerShell/v1.0/powershell.exe', 'powershell.exe', 'wslview']

function checkLoopback(states: readonly PortState[]): DoctorCheck {
  const [ipv4, ipv6] = states.map(({ state }) => state === 'free')
  if (ipv4 && ipv6) return ok('loopback', 'Both loopback addresses are there (127.0.0.1 and ::1).')
  if (ipv4) return ok('loopback', 'There is no IPv6 loopback (::1); 127.0.0.1 is enough.')
  const codes = states.map(({ host, code }) => `${host} ${code ?? 'is free'}`).join(', ')
  const remedy = `Bring up the loopback interface. Until then: ${OTHER_WAYS}`
  if (ipv6) return warning('loopback', `127.0.0.1 cannot be listened on (${codes}).`, remedy)
  return problem('loopback', `No loopback address can be listened on (${codes}).`, remedy)
}

interface Port {
  port: number
  states: readonly PortState[]
}

async function probeAll(ports: readonly number[]): Promise<Port[]> {
  return Promise.all(ports.map(async (port) => ({ port, states: await probePort(port) })))
}

/** One free port is enough; without any, only the browser way is closed. */
function checkPorts(ports: readonly Port[], platform: NodeJS.Platform): readonly DoctorCheck[] {
  const hasOther = ports.some(isUsable)
  return ports.map((one) => {
    const name = `port ${one.port}`
    if (isUsable(one)) return ok(name, `Port ${one.port} is free for the answer of the browser.`)
    const finding = whyUnusable(one, platform)
    return hasOther
      ? warning(name, finding, 'Another port is free, so the sign-in works; end the program if it need not run.')
      : problem(name, finding, `End the program that holds it. ${OTHER_WAYS}`)
  })
}

/** One that was named has no other in its place; where none is, any free one does. */
async function checkPlanPort(port: number | undefined, platform: NodeJS.Platform): Promise<readonly DoctorCheck[]> {
  if (port === undefined) return []
  const [one] = await probeAll([port])
  if (one === undefined || isUsable(one)) return [ok('plan port', `Port ${port} is free for a sign-in for plan usage.`)]
  const remedy = 'End the program that holds it, or remove CODEX_OAUTH_PLAN_PORT: then any free port does.'
  return [problem('plan port', whyUnusable(one, platform), remedy)]
}

function isUsable({ states }: Port): boolean {
  const areOpen = states.every(({ state }) => state === 'free' || state === 'absent')
  return areOpen && states.some(({ state }) => state === 'free')
}

function whyUnusable({ port, states }: Port, platform: NodeJS.Platform): string {
  const taken = states.filter(({ state }) => state === 'taken').map(({ host }) => host)
  if (taken.length > 0) {
    const holder = holderOf(port, platform)
    const by = holder === undefined ? '' : ` by ${holder.name} (process ${holder.pid})`
    return `Port ${port} is taken on ${taken.join(' and ')}${by}.`
  }
  const codes = states.flatMap(({ host, code }) => (code === undefined ? [] : [`${host} ${code}`]))
  return `Port ${port} cannot be listened on (${codes.join(', ')}).`
}
