import type { Config, NetworkSettings } from '../../config.ts'
import type { Clock } from '../../infrastructure/clock.ts'
import type { HttpAnswer, HttpClient } from '../../infrastructure/http-client.ts'
import { type CertificateFile, readCertificates } from '../../infrastructure/trusted-certificates.ts'
import { notTheService } from '../codex/not-the-service.ts'
import { type DoctorCheck, failed, type Guard, ok, problem, skipped, warning } from './doctor-check.ts'
import type { DoctorLogin } from './doctor-login.ts'
import { duration } from './duration.ts'

export interface NetworkDeps {
  config: Pick<Config, 'issuer' | 'baseUrl' | 'planBaseUrl' | 'api' | 'network' | 'insecureTls'>
  http: HttpClient
  clock: Clock
  userAgent: string
}

const FILE_LIMIT_MS = 3_000
const HOST_LIMIT_MS = 8_000
const ANSWER_TIMEOUT_MS = 6_000
const SKEW_WARNING_MS = 60_000
const SKEW_PROBLEM_MS = 300_000

/** What is in use of the services. */
export interface InUse {
  logins: readonly { route: Pick<DoctorLogin['route'], 'report' | 'baseUrl'> }[]
  /** An API key is used. */
  api: boolean
}

/** The way to the network and who answers there. */
export async function checkNetwork(deps: NetworkDeps, inUse: InUse, guard: Guard): Promise<readonly DoctorCheck[]> {
  const { config } = deps
  const { network } = config
  const checks = [
    guard('proxy', FILE_LIMIT_MS, () => checkProxy(network)),
    guard('certificates', FILE_LIMIT_MS, () => checkCertificates(network)),
    guard('tls', FILE_LIMIT_MS, () => checkTls(config.insecureTls)),
    guard('sign-in service', HOST_LIMIT_MS, (signal) => checkIssuer(deps, signal)),
    // Nobody's credential is sent along: that the service refuses is an answer, too.
    ...inUse.logins.map(({ route }) => {
      const name = `${route.report.prefix}model service`
      return guard(name, HOST_LIMIT_MS, (signal) => checkHost(deps, name, `${route.baseUrl(config)}/models`, signal))
    }),
    guard('API', HOST_LIMIT_MS, (signal) =>
      inUse.api
        ? checkHost(deps, 'API', `${config.api.baseUrl}/models`, signal)
        : skipped('API', 'No API key is set, so the API is not used.'),
    ),
  ]
  return (await Promise.all(checks)).flat()
}

/** Names of hosts only: the address of a proxy may carry a password. */
function checkProxy(network: NetworkSettings | undefined): DoctorCheck {
  if (network?.problem !== undefined) {
    return problem('proxy', network.problem.message, network.problem.hint ?? 'Correct or remove it.')
  }
  const { httpsProxy, httpProxy, noProxy } = network ?? {}
  const ways = [
    ...(httpsProxy === undefined ? [] : [`https through ${new URL(httpsProxy).host}`]),
    ...(httpProxy === undefined ? [] : [`http through ${new URL(httpProxy).host}`]),
  ]
  if (ways.length === 0) return ok('proxy', 'No proxy is set.')
  const exceptions = (noProxy ?? '').split(/[\s,]+/).filter(Boolean).length
  const but = exceptions === 0 ? '' : `, but for ${exceptions} of NO_PROXY`
  return ok('proxy', `Requests go through a proxy: ${ways.join(', ')}${but}.`)
}

async function checkCertificates(network: NetworkSettings | undefined): Promise<DoctorCheck | readonly DoctorCheck[]> {
  const files = network?.caFiles ?? []
  if (files.length === 0) return ok('certificates', 'No certificates are trusted beside those of Node.')
  return Promise.all(files.map(checkCertificateFile))
}

async function checkCertificateFile(file: CertificateFile): Promise<DoctorCheck> {
  try {
    const certificates = await readCertificates(file)
    return ok('certificates', `${file.variable} adds ${certificates.length} of ${file.path}.`)
  } catch (error) {
    return failed('certificates', error)
  }
}

function checkTls(insecureTls: boolean): DoctorCheck {
  if (!insecureTls) return ok('tls', 'Certificates are checked.')
  return problem(
    'tls',
    'NODE_TLS_REJECT_UNAUTHORIZED=0 is set, so anybody could pretend to be OpenAI.',
    'Remove it. For the certificate authority of a company network, set CODEX_CA_CERTIFICATE instead.',
  )
}

async function checkIssuer(deps: NetworkDeps, signal: AbortSignal): Promise<readonly DoctorCheck[]> {
  try {
    const { check, skewMs } = await ask(deps, 'sign-in service', `${deps.config.issuer}${METADATA_PATH}`, signal)
    return [check, checkClock(skewMs)]
  } catch (error) {
    return [failed('sign-in service', error), skipped('clock', 'There is no answer to compare the clock with.')]
  }
}

const METADATA_PATH = '/.well-known/openid-configuration'

async function checkHost(deps: NetworkDeps, name: string, url: string, signal: AbortSignal): Promise<DoctorCheck> {
  return (await ask(deps, name, url, signal)).check
}

/** Any answer of its own shows that the host can be reached. @throws CodexError NETWORK, TIMEOUT; CANCELLED by `signal` */
async function ask({ http, clock, userAgent }: NetworkDeps, name: string, url: string, signal: AbortSignal) {
  const sentAt = clock.now()
  const { status, headers, body } = await http.send({
    method: 'GET',
    url,
    headers: { 'user-agent': userAgent },
    headerTimeoutMs: ANSWER_TIMEOUT_MS,
    signal,
  })
  const answeredAt = clock.now()
  void body?.cancel().catch(() => {})
  const { host } = new URL(url)
  const finding = `${host} answers (${status}, ${answeredAt - sentAt} ms).`
  return { check: judge(name, finding, { status, headers }), skewMs: skewOf(headers, sentAt, answeredAt) }
}

function judge(name: string, finding: string, answer: Pick<HttpAnswer, 'status' | 'headers'>): DoctorCheck {
  const stranger = notTheService(answer, 'an answer of OpenAI')
  if (stranger !== undefined) return warning(name, `${finding} ${stranger.message}`, stranger.hint ?? TRY_LATER)
  if (answer.status >= 500) return warning(name, `${finding} It is in trouble.`, TRY_LATER)
  return ok(name, finding)
}

const TRY_LATER = 'Try again later; see status.openai.com.'

/**
 * How far this clock is ahead of the service's, in milliseconds. `Date` has whole seconds (RFC 9110, section 6.6.1),
 * and an answer out of a cache says how old it is.
 */
function skewOf(headers: Headers, sentAt: number, answeredAt: number): number | undefined {
  const dateMs = Date.parse(headers.get('date') ?? '')
  if (Number.isNaN(dateMs)) return undefined
  const ageS = Number(headers.get('age') ?? 0)
  const theirs = dateMs + (Number.isFinite(ageS) && ageS > 0 ? ageS * 1000 : 0) + 500
  return Math.round((sentAt + answeredAt) / 2 - theirs)
}

function checkClock(skewMs: number | undefined): DoctorCheck {
  if (skewMs === undefined) return skipped('clock', 'The answer of the sign-in service does not tell the time.')
  const size = Math.abs(skewMs)
  if (size <= SKEW_WARNING_MS) return ok('clock', 'The clock agrees with the one of the sign-in service.')
  const finding = `The clock is ${duration(size)} ${skewMs > 0 ? 'ahead of' : 'behind'} the one of the sign-in service.`
  const remedy = 'Have the time set by the network: whether a sign-in is still good is judged by this clock.'
  return size > SKEW_PROBLEM_MS ? problem('clock', finding, remedy) : warning('clock', finding, remedy)
}
