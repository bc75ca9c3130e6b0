// Runs the real Claude Code, the newest two versions of the registry, with this plugin between a scripted model and the
// fake OpenAI: `npm run test:claude`. Versions as arguments run those instead. Ends with 1 when something does not work.
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ensureBuilt } from '../test/support/ensure-built.ts'
import { answer, answerEvents, endlessDeltas, sse } from '../test/support/fake-sse.ts'
import { hasTerminal, openPlace, type Place, type PlaceOptions, type Terminal } from './claude-client.ts'
import { fetched, newestVersions } from './fetched.ts'

const CLAUDE = '@anthropic-ai/claude-code'
const SAID = 'Hello from the fake Codex.'
const query = { tool: 'codex_query', input: { prompt: 'Why?' } }

/** What is looked at; it throws with what it saw instead. */
type Look = (place: Place) => Promise<void>

interface Case extends Omit<PlaceOptions, 'claude'> {
  name: string
  /** What the service is to do, said before anybody asks. */
  prepare?: (fake: Place['fake']) => void
  look: Look
}

const printed: Case[] = [
  {
    name: '/codex asks, unasked for permission, and shows the answer',
    steps: [query, 'Shown.'],
    async look({ print, model, fake }) {
      await print('/codex Why?')
      expect(model.told().includes('<question>'), 'the command is expanded')
      expect(succeeded(model).includes(SAID), model)
      expect(JSON.stringify(fake.seen.requests.at(-1)?.body).includes('Why?'), 'the question reaches the service')
    },
  },
  {
    name: 'without a command, a call needs the permission of the user',
    steps: [query, 'Not allowed.'],
    async look({ print, model, fake }) {
      await print('Ask Codex')
      expect(model.results().every(({ isError }) => isError) && fake.seen.requests.length === 0, model)
    },
  },
  {
    name: '/codex-review sends the changes',
    steps: [{ tool: 'codex_query', input: { prompt: 'Review.', conversation: 'review' } }, 'Shown.'],
    async look({ print, model }) {
      await print('/codex-review')
      expect(succeeded(model).includes(SAID), model)
    },
  },
  {
    name: '/codex-config shows the sign-in and the models',
    steps: [{ tool: 'codex_status', input: {} }, { tool: 'codex_models', input: {} }, 'Shown.'],
    async look({ print, model }) {
      await print('/codex-config')
      expect(/"authenticated":\s*true/.test(succeeded(model)) && succeeded(model).includes('gpt-6.1-sol'), model)
    },
  },
  {
    name: '/codex-clear signs out',
    steps: [{ tool: 'codex_clear', input: {} }, 'Done.'],
    async look({ print, model, fake }) {
      await print('/codex-clear')
      expect(/"cleared":\s*true/.test(succeeded(model)) && fake.seen.revocations.length === 1, model)
    },
  },
  {
    name: 'the skill is offered, and its text comes when the model takes it',
    steps: [{ tool: 'Skill', input: { skill: 'codex-oauth:codex-integration' } }, 'Loaded.'],
    async look({ print, model }) {
      await print('What would Codex say?')
      expect(model.told().includes('codex-oauth:codex-integration: Ask OpenAI Codex'), 'the skill is offered')
      expect(model.asked.length === 2 && model.results().every(({ isError }) => !isError), model)
      expect(model.told().includes('Base directory for this skill'), model)
    },
  },
  {
    name: 'the tools and the instructions are there from the first request on',
    steps: ['Nothing to do.'],
    async look({ print, model, wire }) {
      await print('Hi')
      const tools =
        model.asked[0]?.tools?.filter(({ name }) => name.startsWith('mcp__plugin_codex-oauth_codex__')) ?? []
      expect(tools.length === 5, tools)
      expect(model.told().includes('Use codex_query when the user mentions Codex'), 'the instructions are there')
      expect(
        /"method":"server\/discover"/.test(wire()) === !wire().includes('"method":"initialize"'),
        wire().slice(0, 300),
      )
    },
  },
  {
    name: 'an answer of 300,000 characters comes whole',
    steps: [query, 'Shown.'],
    allowed: true,
    async look({ print, model, fake }) {
      const long = 'A long answer, word for word. '.repeat(10_000)
      fake.script.responses.push({ headers: { 'openai-model': 'gpt-6.1-sol' }, sse: answer(long) })
      await print('Ask Codex')
      expect(succeeded(model).includes(long), `${succeeded(model).length} characters`)
    },
  },
  {
    name: 'nobody signed in: without a terminal the model gets an address to show',
    steps: [{ tool: 'codex_login', input: {} }, 'Shown.'],
    signedIn: false,
    allowed: true,
    async look({ print, model, wire }) {
      await print('Sign in to Codex')
      const isPending = /"status":\s*"pending"/.test(succeeded(model)) && succeeded(model).includes('/oauth/authorize')
      // Where it has no dialog to close, the server opens the browser by itself.
      expect(isPending || (!hasDialogs(wire()) && /"status":\s*"authenticated"/.test(succeeded(model))), model)
    },
  },
]

const typed: (Omit<Case, 'look'> & { look: (place: Place, terminal: Terminal) => Promise<void> })[] = [
  {
    name: 'nobody signed in: a dialog, the browser, and the question is answered in the same call',
    steps: [query, 'All done.'],
    signedIn: false,
    allowed: true,
    async look({ model, wire }, terminal) {
      if (!hasDialogs(wire())) {
        // An older one: the model is told what to do.
        await shows(terminal, /All done\./)
        expect(JSON.stringify(model.results()).includes('codex_login'), model)
        return
      }
      await shows(terminal, /wants to open a URL/)
      await sleep(500)
      terminal.press('Enter')
      // Newer versions wait to be told that the user is through with it.
      if (await terminal.shows(/❯ I'm done/, 5_000)) {
        await sleep(1_000)
        terminal.press('Enter')
      }
      await shows(terminal, /All done\./)
      expect(succeeded(model).includes(SAID), model)
    },
  },
  {
    name: 'progress is on the screen while Codex thinks and writes',
    steps: [query, 'All done.'],
    allowed: true,
    prepare(fake) {
      const events = answerEvents('The slow answer.', { reasoning: '**Weighing both sides**', deltas: 10 })
      const slow = async function* () {
        for (const event of events) {
          yield sse([event])
          await sleep(400)
        }
      }
      fake.script.responses.push({ sse: { [Symbol.asyncIterator]: slow } })
    },
    async look({ model }, terminal) {
      await shows(terminal, /Weighing both sides/)
      await shows(terminal, /Codex is writing/)
      await shows(terminal, /All done\./)
      expect(succeeded(model).includes('The slow answer.'), model)
    },
  },
  {
    name: 'Escape ends the question at the service, and the server lives on',
    steps: [query, { tool: 'codex_status', input: {} }, 'All done.'],
    allowed: true,
    prepare: (fake) => fake.script.responses.push({ sse: endlessDeltas() }),
    async look({ fake, model }, terminal) {
      await fake.arrival('/backend-api/codex/responses')
      await sleep(1_000)
      terminal.press('Escape')
      await fake.clientGone()
      await sleep(500)
      terminal.type('And now?')
      await sleep(500)
      terminal.press('Enter')
      await shows(terminal, /All done\./)
      expect(/"authenticated":\s*true/.test(succeeded(model)), model)
    },
  },
]

ensureBuilt()
const versions = process.argv.length > 2 ? process.argv.slice(2) : newestVersions(CLAUDE, 2)
const figures: string[] = []
for (const version of versions) figures.push(await runVersion(version))
for (const figure of figures) console.log(figure)

async function runVersion(version: string): Promise<string> {
  const claude = join(fetched(`${CLAUDE}@${version}`), '.bin', 'claude')
  let passed = 0
  const cases = [...printed, ...(hasTerminal ? typed.map(inTerminal) : [])]
  const protocols = new Set<string>()
  for (const { name, look, prepare, ...options } of cases) {
    const place = await openPlace({ claude, ...options })
    prepare?.(place.fake)
    try {
      await look(place)
      if (place.model.refused.size > 0) throw new Error(`It tried to reach ${[...place.model.refused].join(', ')}`)
      passed += 1
      console.log(`ok     ${version} ${name}`)
    } catch (error) {
      process.exitCode = 1
      console.log(`FAILED ${version} ${name}\n    ${error instanceof Error ? error.message : error}`)
    } finally {
      protocols.add(place.wire().includes('"resultType":"complete"') ? '2026-07-28' : '2025-11-25')
      place.close()
    }
  }
  const skipped = hasTerminal ? '' : `, ${typed.length} not run (they need tmux)`
  return `Claude Code ${version}, MCP ${[...protocols].join(' and ')}: ${passed} of ${cases.length} work${skipped}`
}

/** The same in a terminal: somebody types a request first. */
function inTerminal({ look, ...others }: (typeof typed)[number]): Case {
  return {
    ...others,
    async look(place) {
      const terminal = await place.terminal()
      try {
        await shows(terminal, /❯/)
        await sleep(1_500)
        terminal.type('Ask Codex')
        await sleep(500)
        terminal.press('Enter')
        await look(place, terminal)
      } finally {
        await terminal.close()
      }
    },
  }
}

async function shows(terminal: Terminal, wanted: RegExp): Promise<void> {
  if (!(await terminal.shows(wanted)))
    throw new Error(`The screen does not show ${wanted}:\n${terminal.screen().trim()}`)
}

function hasDialogs(wire: string): boolean {
  return /"elicitation":\{[^}]*\}?,?"url":/.test(wire)
}

/** What tools have answered that were allowed and did not fail. */
function succeeded(model: Place['model']): string {
  return model
    .results()
    .filter(({ isError }) => !isError)
    .map(({ text }) => text)
    .join('\n')
}

/** `seen` is what there was instead: words, or a model whose results say it. */
function expect(holds: boolean, seen: unknown): void {
  if (holds) return
  const words =
    typeof seen === 'object' && seen !== null && 'results' in seen ? (seen as Place['model']).results() : seen
  throw new Error(`Not so: ${(typeof words === 'string' ? words : JSON.stringify(words)).slice(0, 600)}`)
}
