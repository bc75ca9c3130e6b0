import { isCodexError } from '../errors.ts'
import { maskEmail } from '../services/oauth/id-claims.ts'
import type { LoginOutcome, PendingLogin } from '../services/sign-in/sign-in-view.ts'
import type { SignInsOptions } from '../services/sign-in/sign-ins.ts'
import { type CommandCall, defineCommand } from './command.ts'
import { errorLines, inCommands, routeAsked, wrongUsage } from './words.ts'

/** Somebody is signed in. */
type SignedIn = Extract<LoginOutcome, { status: 'authenticated' }>

const MAX_KEY_BYTES = 65_536

export const login = defineCommand({
  name: 'login',
  summary: 'Sign in with ChatGPT, or store an API key',
  options: {
    plan: { type: 'boolean', summary: "Continue with ChatGPT: OpenAI's documented route, for Plus and Pro" },
    codex: {
      type: 'boolean',
      summary: 'as the Codex CLI does; without either option, the login there is, else this one',
    },
    device: { type: 'boolean', summary: 'with a code, to be entered on any device' },
    'no-browser': { type: 'boolean', summary: 'only show the address' },
    'with-api-key': { type: 'boolean', summary: 'store an API key, read from standard input' },
    force: { type: 'boolean', summary: 'sign in anew although somebody is signed in' },
  },
  notes: [
    'When the browser ends on a page that cannot be loaded, write its address to standard input: that signs in too.',
    'The address to open is on standard error, alone on its line.',
  ],
  async run(options, call) {
    const ways = [options.device, options['no-browser'], options['with-api-key']].filter(Boolean)
    if (ways.length > 1) throw wrongUsage('--device, --no-browser and --with-api-key exclude each other.', 'login')
    const route = routeAsked(options, 'login')
    if (options['with-api-key']) {
      if (options.force) throw wrongUsage('--force is for signing in; a key is stored in any case.', 'login')
      if (route !== undefined) throw wrongUsage('--plan and --codex are for signing in.', 'login')
      return storeKey(call)
    }
    const account = await signIn(call, {
      ...(route && { route }),
      force: options.force === true,
      ...(options.device && { method: 'device' as const }),
      ...(options['no-browser'] && { method: 'browser' as const, openBrowser: false }),
      signal: call.signal,
    })
    call.terminal.print(welcome(account))
    return 0
  },
})

/** Waits until somebody is signed in, and takes addresses from standard input meanwhile. */
async function signIn(call: CommandCall, request: SignInsOptions): Promise<SignedIn> {
  const { services, terminal, input, signal } = call
  const { route } = request
  /** The login that was asked for: once it has ended, nothing else would tell which one was meant. */
  const same = { ...(route && { route }), force: false, signal }
  const said = new Set<string>()
  /** What has to be told once may be told to a call that only brings an address. */
  const notes = new Set<string>()
  let pasting = Promise.resolve()
  let isListening = false
  let refuse: (error: unknown) => void = () => {}
  const pasted = new Promise<never>((_, reject) => {
    refuse = reject
  })

  /** Not before there is a sign-in: nobody can have an address to give. */
  function listen(): void {
    if (isListening) return
    isListening = true
    let next: string | undefined
    let isBusy = false
    // One after the other, and of what comes meanwhile the last: a program that writes without end must not drown the rest.
    input.onLine((line) => {
      next = line
      if (isBusy) return
      isBusy = true
      pasting = drain().finally(() => {
        isBusy = false
      })
    })

    async function drain(): Promise<void> {
      while (next !== undefined) {
        const callbackUrl = next
        next = undefined
        await paste(callbackUrl)
      }
    }
  }

  async function paste(callbackUrl: string): Promise<void> {
    try {
      const outcome = await services.signIn.login({ ...same, callbackUrl })
      for (const note of outcome.notes ?? []) notes.add(note)
    } catch (error) {
      if (!isCodexError(error, 'INPUT_INVALID')) return refuse(error)
      for (const line of errorLines(error)) terminal.say(...line)
    }
  }

  async function wait(): Promise<SignedIn> {
    let outcome = await services.signIn.login({ ...request, onProgress })
    while (outcome.status === 'pending') {
      if (isNews(outcome.url ?? outcome.reason)) announce(outcome, call)
      listen()
      // It may have ended just now: the next call would begin another one.
      const ended = services.signIn.view()
      if (ended?.error !== undefined && ended.state !== 'pending') throw ended.error
      outcome = await services.signIn.login({ ...same, onProgress })
    }
    await pasting
    for (const note of outcome.notes ?? []) notes.add(note)
    // Whoever was waited for has signed in just now, though another call may have been the first to be told.
    return { ...outcome, fresh: isListening || outcome.fresh, notes: [...notes] }
  }

  /** A browser was opened, and the call goes on waiting. */
  function onProgress(message: string): void {
    const [url = ''] = /https?:\/\/\S+/.exec(message) ?? []
    if (isNews(url === '' ? message : url)) {
      terminal.say(inCommands(message.replace(url, '').trim()))
      if (url !== '') terminal.say({ style: 'bold', text: url })
      if (url !== '') sayHowToPaste(call)
    }
    listen()
  }

  function isNews(what: string): boolean {
    const isNew = !said.has(what)
    said.add(what)
    return isNew
  }

  return Promise.race([wait(), pasted])
}

function announce(pending: LoginOutcome & PendingLogin, call: CommandCall): void {
  const { terminal, services } = call
  const { method, reason, url, userCode, expiresAt, opened, notes = [] } = pending
  const minutes = Math.max(1, Math.round((expiresAt - services.now()) / 60_000))
  for (const sentence of [...notes, reason]) terminal.say(inCommands(sentence))
  if (url !== undefined) {
    const where = method === 'device' ? 'on any device' : 'in a browser'
    terminal.say(
      opened
        ? 'Waiting for you in the browser. Should it show nothing, open this address:'
        : `Open this address ${where}:`,
    )
    terminal.say({ style: 'bold', text: url })
  }
  if (userCode !== undefined) terminal.say('and enter the code ', { style: 'bold', text: userCode })
  if (method === 'browser') sayHowToPaste(call)
  terminal.say({ style: 'dim', text: `Waiting up to ${minutes} min; Ctrl-C cancels.` })
}

function sayHowToPaste({ terminal, input }: CommandCall): void {
  if (!input.isTerminal()) return
  terminal.say('If it ends on a page that cannot be loaded, paste the address of that page here and press Enter.')
}

function welcome({ account, fresh, notes = [] }: SignedIn): string {
  const name = account.email === undefined ? account.accountId : maskEmail(account.email)
  const plan = account.plan === undefined ? '' : ` (${account.plan})`
  const who = `${name ?? 'an account without a name'}${plan}`
  const anew = notes.length === 0 ? ' To sign in anew: --force' : ''
  const outcome = fresh ? `Signed in as ${who}.` : `Already signed in as ${who}.${anew}`
  return [outcome, ...notes.map(inCommands)].join('\n')
}

async function storeKey({ services, terminal, input, signal }: CommandCall): Promise<number> {
  const prompt = () => terminal.say('Paste the API key and press Enter; it is not shown.')
  const raw = await input.secret(MAX_KEY_BYTES, prompt)
  terminal.progress('Trying the key')
  const { models } = await services.storeApiKey(raw, signal)
  terminal.print(`The API key works and is stored. It can ask ${models === 1 ? 'one model' : `${models} models`}.`)
  return 0
}
