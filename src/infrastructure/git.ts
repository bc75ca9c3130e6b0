import { createGitCommand } from './git-command.ts'
import { gitDiff } from './git-diff.ts'
import { type GitFiles, gitFiles, isWorkTree, untrackedFiles } from './git-files.ts'
import type { DiffRequest } from './git-range.ts'

/** What git knows about a folder. Nothing in the repository can make it run a program. */
export interface Git {
  /** @throws CodexError INPUT_INVALID it cannot be known; CANCELLED */
  isWorkTree(folder: string, signal?: AbortSignal): Promise<boolean>
  /** What is not ignored at or below a folder in a work tree. @throws CodexError STORAGE_FAILED, CANCELLED */
  files(folder: string, signal?: AbortSignal): Promise<GitFiles>
  /** What of it is not in the index. @throws CodexError STORAGE_FAILED, CANCELLED */
  untracked(folder: string, signal?: AbortSignal): Promise<GitFiles>
  /** Changes at or below a folder in a work tree. @throws CodexError INPUT_INVALID, STORAGE_FAILED, CANCELLED */
  diff(folder: string, request: DiffRequest, signal?: AbortSignal): Promise<string>
}

export interface GitDeps {
  program?: string
  /** For each run of git. */
  limitMs?: number
}

export function createGit({ program = 'git', limitMs = 20_000 }: GitDeps = {}): Git {
  const git = createGitCommand(program, limitMs)
  return {
    isWorkTree: (folder, signal) => isWorkTree(git, folder, signal),
    files: (folder, signal) => gitFiles(git, folder, signal),
    untracked: (folder, signal) => untrackedFiles(git, folder, signal),
    diff: (folder, request, signal) => gitDiff(git, folder, request, signal),
  }
}
