import { type Dirent, existsSync, lstatSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { CodexError } from '../errors.ts'
import { cancelled } from './abort.ts'
import type { Git } from './git.ts'

export type FileLister = (root: string, base: string, signal?: AbortSignal) => Promise<readonly string[]>

/**
 * Lists what patterns may mean in the folder `root`, by names relative to it: all that git does not ignore, with the
 * repositories within. Outside of a work tree, where nothing says what is ignored, it is what lies at or below `base`, without
 * `node_modules`. Links are named and not followed.
 *
 * The lister rejects with CodexError INPUT_INVALID (too much, too slow, ignored files unknown), STORAGE_FAILED, CANCELLED.
 */
export function createFileLister(git: Pick<Git, 'isWorkTree' | 'files'>, limitMs = 20_000): FileLister {
  return async (root, base, signal) => {
    const budget = { names: MAX_NAMES, until: performance.now() + limitMs, signal }
    if (await git.isWorkTree(root, signal)) return await tracked(git, root, '', budget)
    return await listed(git, root, base, budget)
  }
}

type ListingGit = Pick<Git, 'isWorkTree' | 'files'>

interface Budget {
  names: number
  /** On the clock of `performance`. */
  until: number
  signal: AbortSignal | undefined
}

const MAX_NAMES = 200_000
const SKIPPED = ['.git', '.hg', '.svn', 'node_modules']

async function listed(git: ListingGit, root: string, folder: string, budget: Budget): Promise<string[]> {
  const isRepository = await git.isWorkTree(join(root, folder), budget.signal)
  return isRepository ? await tracked(git, root, folder, budget) : await walked(git, root, folder, budget)
}

async function tracked(git: ListingGit, root: string, folder: string, budget: Budget): Promise<string[]> {
  const { files, repositories } = await git.files(join(root, folder), budget.signal)
  const names = files.map((name) => inFolder(folder, name))
  spend(budget, names.length)
  for (const repository of repositories.map((name) => inFolder(folder, name))) {
    // A submodule that is not there yet has none; git would speak of the repository around it.
    if (isFolder(join(root, repository)) && existsSync(join(root, repository, '.git'))) {
      for (const name of await listed(git, root, repository, budget)) names.push(name)
    }
  }
  return names
}

async function walked(git: ListingGit, root: string, folder: string, budget: Budget): Promise<string[]> {
  const entries = (await entriesOf(join(root, folder))).filter(({ name }) => !SKIPPED.includes(name))
  spend(budget, entries.length)
  const names: string[] = []
  for (const entry of entries) {
    const name = inFolder(folder, entry.name)
    if (!entry.isDirectory()) names.push(name)
    else {
      const list = existsSync(join(root, name, '.git')) ? listed : walked
      for (const found of await list(git, root, name, budget)) names.push(found)
    }
  }
  return names
}

/** A folder that may not be entered has no files for us. */
async function entriesOf(path: string): Promise<Dirent[]> {
  return await readdir(path, { withFileTypes: true }).catch(() => [])
}

function spend(budget: Budget, names: number): void {
  if (budget.signal?.aborted) throw cancelled()
  budget.names -= names
  const why =
    budget.names < 0 ? 'there are too many' : performance.now() > budget.until ? 'that takes too long' : undefined
  if (why === undefined) return
  throw new CodexError('INPUT_INVALID', `The files of the project could not be listed: ${why}.`, {
    hint: 'Name a folder that holds fewer files, or single files exactly.',
  })
}

function isFolder(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}

function inFolder(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`
}
