import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { CodexError } from '../errors.ts'
import { type GitCommand, gitFailed } from './git-command.ts'

/** What git does not ignore below a folder, by names relative to it, with `/`. */
export interface GitFiles {
  files: readonly string[]
  /** Folders with a repository of their own, submodules among them: git does not look into them. */
  repositories: readonly string[]
}

/**
 * Whether git has a work tree around `folder`.
 *
 * @throws CodexError INPUT_INVALID there seems to be one, but git is missing or refuses to read it: what is ignored
 *   there cannot be known then; CANCELLED
 */
export async function isWorkTree(git: GitCommand, folder: string, signal?: AbortSignal): Promise<boolean> {
  const { output, ended } = await git(folder, ['rev-parse', '--is-inside-work-tree'], { signal })
  if (ended === 'well') return output.trim() === 'true'
  if (ended !== 'late' && !isBelowRepository(folder)) return false
  const why = { missing: 'git is not installed here', late: 'git took too long' }[ended as string]
  throw new CodexError('INPUT_INVALID', `What git ignores here is not known: ${why ?? 'git refuses to read it'}.`, {
    hint: 'Name single files exactly, without patterns and without diff; `git status` in the project says more.',
  })
}

/**
 * All files in the index or on disk that git does not ignore, at or below `folder`.
 *
 * @throws CodexError STORAGE_FAILED, CANCELLED
 */
export async function gitFiles(git: GitCommand, folder: string, signal?: AbortSignal): Promise<GitFiles> {
  const [tracked, untracked] = await Promise.all([
    listed(git, folder, ['--cached', '--stage'], signal),
    untrackedFiles(git, folder, signal),
  ])
  const entries = tracked.map((line) => ({
    name: line.slice(line.indexOf('\t') + 1),
    isLink: line.startsWith('160000'),
  }))
  const names = (ofLinks: boolean) => entries.filter(({ isLink }) => isLink === ofLinks).map(({ name }) => name)
  return {
    files: [...new Set([...names(false), ...untracked.files])],
    repositories: [...names(true), ...untracked.repositories],
  }
}

/**
 * Those of them that are not in the index.
 *
 * @throws CodexError STORAGE_FAILED, CANCELLED
 */
export async function untrackedFiles(git: GitCommand, folder: string, signal?: AbortSignal): Promise<GitFiles> {
  const names = await listed(git, folder, ['--others', '--exclude-standard'], signal)
  return {
    files: names.filter((name) => !name.endsWith('/')),
    repositories: names.filter((name) => name.endsWith('/')).map((name) => name.slice(0, -1)),
  }
}

const MAX_LIST_BYTES = 64_000_000

async function listed(git: GitCommand, folder: string, args: readonly string[], signal?: AbortSignal) {
  const outcome = await git(folder, ['ls-files', '-z', ...args], { maxBytes: MAX_LIST_BYTES, signal })
  if (outcome.ended !== 'well') throw gitFailed(outcome)
  return outcome.output.split('\0').filter((name) => name !== '')
}

function isBelowRepository(folder: string): boolean {
  const parent = dirname(folder)
  return existsSync(join(folder, '.git')) || (parent !== folder && isBelowRepository(parent))
}
