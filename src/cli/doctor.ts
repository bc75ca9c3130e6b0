import type { DoctorCheck } from '../services/status/doctor.ts'
import { defineCommand } from './command.ts'
import type { Piece, Style } from './terminal.ts'
import { inCommands } from './words.ts'

const MARKS: Readonly<Record<DoctorCheck['state'], { mark: string; style: Style }>> = {
  ok: { mark: 'ok', style: 'green' },
  warning: { mark: '!', style: 'yellow' },
  problem: { mark: 'x', style: 'red' },
  skipped: { mark: '-', style: 'dim' },
}

export const doctor = defineCommand({
  name: 'doctor',
  summary: 'Check this machine, the network and the login, with a remedy for whatever is wrong',
  options: { json: { type: 'boolean', summary: 'the report as JSON' } },
  notes: [
    'The report holds no secrets and can be pasted into a bug report. The exit code is 1 when there is a problem.',
  ],
  local: true,
  async run({ json }, { services, terminal, facts, signal }) {
    terminal.progress('Looking around')
    const { checks } = await services.doctor(signal)
    const { version, node, platform } = facts
    if (json) {
      terminal.print(JSON.stringify({ version, node, platform, checks }, null, 2))
    } else {
      terminal.print(`codex-oauth ${version} · Node ${node} · ${platform}`)
      for (const line of checks.flatMap(linesOf)) terminal.print(...line)
    }
    return checks.some(({ state }) => state === 'problem') ? 1 : 0
  },
})

function linesOf({ name, state, finding, remedy }: DoctorCheck): (readonly Piece[])[] {
  const { mark, style } = MARKS[state]
  const line = [{ style, text: mark.padEnd(3) }, `${name}: ${inCommands(finding)}`]
  return remedy === undefined ? [line] : [line, [`     ${inCommands(remedy)}`]]
}
