import { CodexError } from '../errors.ts'
import { type GitCommand, gitFailed, type Setting } from './git-command.ts'
import type { DiffRequest } from './git-range.ts'

/** How large a diff may be. */
export const MAX_DIFF_BYTES = 8_000_000

/**
 * The changes at and below `folder` in a work tree, as `git diff` shows them; empty when there are none. New files that git
 * does not track are not in it.
 *
 * @throws CodexError INPUT_INVALID no such revision, too large; STORAGE_FAILED; CANCELLED
 */
export async function gitDiff(
  git: GitCommand,
  folder: string,
  request: DiffRequest,
  signal?: AbortSignal,
): Promise<string> {
  const settings = await withoutFilters(git, folder, signal)
  const revisions = await revisionsOf(git, folder, request, signal)
  const args = [...FORM, ...(request.kind === 'staged' ? ['--cached'] : []), ...revisions, '--']
  const outcome = await git(folder, args, { settings, maxBytes: MAX_DIFF_BYTES, signal })
  if (outcome.ended === 'large') throw tooLarge()
  if (outcome.ended !== 'well') throw gitFailed(outcome)
  return withoutUntouched(outcome.output)
}

/** Without writing the index again, git names files too of which only the time has changed: a head and nothing below it. */
function withoutUntouched(diff: string): string {
  return diff.replace(/(?<=^|\n)diff --git [^\n]*\n(?=diff --git |\* Unmerged path |$)/g, '')
}

/** One form, whatever the settings of the user and of the repository are, and no program of theirs. */
const FORM: readonly string[] = [
  'diff',
  ...['--no-ext-diff', '--no-textconv', '--no-color', '-O/dev/null'],
  ...['--src-prefix=a/', '--dst-prefix=b/', '--relative', '--find-renames', '--unified=3', '--word-diff=none'],
  // To see what is not committed in a submodule, git runs another git there, without what is switched off here.
  ...['--submodule=short', '--ignore-submodules=dirty'],
]

/**
 * The filters that settings name run for each file that is compared with the disk; no option switches them off.
 *
 * @throws CodexError STORAGE_FAILED, CANCELLED
 */
async function withoutFilters(git: GitCommand, folder: string, signal?: AbortSignal): Promise<readonly Setting[]> {
  const outcome = await git(folder, ['config', '--null', '--name-only', '--list'], { signal })
  if (outcome.ended !== 'well') throw gitFailed(outcome)
  const names = [...new Set(outcome.output.split('\0'))].filter((name) => /^filter\./.test(name))
  // What cannot be named behind -c cannot be switched off, and nobody needs so many.
  if (names.length > MAX_FILTER_SETTINGS || names.some((name) => name.includes('='))) throw filtersStay()
  return names.map((name) => [name, name.endsWith('.required') ? 'false' : ''])
}

const MAX_FILTER_SETTINGS = 200

function filtersStay(): CodexError {
  return new CodexError('STORAGE_FAILED', 'The git settings here name filters that cannot be switched off.', {
    hint: 'Leave diff out; in the project, `git config --list` shows them under filter.',
  })
}

/** Ids, so that nothing later takes a name for an option or for something else. */
async function revisionsOf(git: GitCommand, folder: string, request: DiffRequest, signal?: AbortSignal) {
  const idOf = (revision: string) => revisionId(git, folder, revision, signal)
  if (request.kind === 'since') return [await idOf(request.revision)]
  if (request.kind !== 'between')
    return [(await commitOf(git, folder, 'HEAD', signal)) ?? (await nothing(git, folder, signal))]
  const [from, to] = [await idOf(request.from), await idOf(request.to)]
  return [request.fork ? await forkOf(git, folder, from, to, signal) : from, to]
}

async function revisionId(git: GitCommand, folder: string, revision: string, signal?: AbortSignal): Promise<string> {
  const id = await commitOf(git, folder, revision, signal)
  if (id !== undefined) return id
  throw new CodexError('INPUT_INVALID', `diff names a revision that git does not know here: ${revision}.`, {
    hint: 'Name a branch, a tag or a commit of this repository, or use "staged" or "working".',
  })
}

async function commitOf(git: GitCommand, folder: string, revision: string, signal?: AbortSignal) {
  const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`]
  const outcome = await git(folder, args, { signal })
  if (outcome.ended !== 'well' && outcome.ended !== 'badly') throw gitFailed(outcome)
  return idIn(outcome.output)
}

/** The empty tree, which is what the first commit will be compared with. */
async function nothing(git: GitCommand, folder: string, signal?: AbortSignal): Promise<string> {
  const outcome = await git(folder, ['hash-object', '-t', 'tree', '--stdin'], { input: '', signal })
  const id = idIn(outcome.output)
  if (id === undefined) throw gitFailed(outcome)
  return id
}

async function forkOf(git: GitCommand, folder: string, from: string, to: string, signal?: AbortSignal) {
  const outcome = await git(folder, ['merge-base', from, to], { signal })
  const id = idIn(outcome.output)
  if (id !== undefined) return id
  if (outcome.ended !== 'badly') throw gitFailed(outcome)
  throw new CodexError('INPUT_INVALID', 'The two revisions in diff have no commit in common.', {
    hint: 'Compare them directly, with two dots instead of three.',
  })
}

function idIn(output: string): string | undefined {
  return /^[0-9a-f]{40,64}$/.exec(output.trim())?.[0]
}

function tooLarge(): CodexError {
  return new CodexError('INPUT_INVALID', `The diff is larger than ${MAX_DIFF_BYTES / 1_000_000} MB.`, {
    hint: 'Name a shorter range, or send the files that matter with files.',
  })
}
