/** The package that reaches the operating system's store. */
export const KEYCHAIN_PACKAGE = '@napi-rs/keyring'

/**
 * What runs in a process of its own for each request: the package's native code may stand still for as long as a
 * dialog is open or a bus is silent, and a process with such a thread could not end. It reads one request as JSON
 * and writes one answer. It looks for the package in the folders named and nowhere else: given its name, `require`
 * would begin in the folder the server was started in, which is somebody's project, and go on in every folder above.
 *
 * On Linux the package would fall back to the kernel's keyring, which forgets everything at the next start: only
 * the Secret Service is a store. Versions before 2.1 cannot be told so.
 */
export const KEYCHAIN_SCRIPT = `
const { existsSync } = require('node:fs')
const { join } = require('node:path')
const { Worker } = require('node:worker_threads')
const answer = (found) => process.stdout.write(JSON.stringify(found), () => process.exit(0))
const isRecent = (version) => {
  const [major, minor] = version.split('.').map(Number)
  return major > 2 || (major === 2 && minor >= 1)
}
function load(folders) {
  let problem = 'missing'
  for (const folder of folders) {
    const home = join(folder, 'node_modules', '${KEYCHAIN_PACKAGE}')
    if (!existsSync(home)) continue
    try {
      if (isRecent(require(join(home, 'package.json')).version)) return { library: require(home) }
      problem = 'old'
    } catch {
      problem = 'broken'
    }
  }
  return { problem }
}
async function run({ deed, service, account, secret, folders }) {
  const { library, problem } = load(folders)
  if (problem !== undefined) return { problem }
  let entry
  try {
    entry = new library.AsyncEntry(service, account, { linux: { store: 'secret-service' } })
  } catch {
    return { problem: 'absent' }
  }
  try {
    if (deed === 'remove') return { removed: await entry.deletePassword() }
    if (deed === 'put') await entry.setPassword(secret)
    return { secret: (await entry.getPassword()) ?? null }
  } catch {
    return { problem: 'refused' }
  }
}
let request = ''
process.stdin.setEncoding('utf8')
process.stdin.on('data', (text) => { request += text })
process.stdin.on('end', () => {
  const { limitMs } = JSON.parse(request)
  // The last resort, should nobody be left to end this process. Native code that stands still stops this thread and
  // its timers, so it waits in another one.
  const lastResort = 'setTimeout(() => process.kill(process.pid, "SIGKILL"), ' + (limitMs + 2000) + ')'
  new Worker(lastResort, { eval: true })
  run(JSON.parse(request)).then(answer)
})
`
