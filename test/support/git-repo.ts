import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { tempFolder } from './temp-folder.ts'

// Also for the code under test: what the machine's owner has set must not decide how a test ends.
process.env.GIT_CONFIG_GLOBAL = '/dev/null'
process.env.GIT_CONFIG_NOSYSTEM = '1'

/** A repository of this test alone, on branch `main`, without a commit. */
export interface GitRepo {
  folder: string
  /** Runs git in it, and gives what it wrote. */
  git(...args: string[]): string
  /** Writes files, by names relative to it. */
  write(files: Readonly<Record<string, string | Buffer>>): void
  /** Adds everything that is not ignored and commits it. */
  commit(files?: Readonly<Record<string, string | Buffer>>): void
}

export function gitRepo(folder = tempFolder()): GitRepo {
  mkdirSync(folder, { recursive: true })
  const repo: GitRepo = {
    folder,
    git(...args) {
      const who = ['-c', 'user.name=Ann', '-c', 'user.email=ann@example.com', '-c', 'protocol.file.allow=always']
      const { status, stdout, stderr } = spawnSync('git', ['-C', folder, ...who, ...args], { encoding: 'utf8' })
      if (status !== 0) throw new Error(`git ${args.join(' ')}: ${stderr}`)
      return stdout
    },
    write: (files) => writeFiles(folder, files),
    commit(files = {}) {
      repo.write(files)
      repo.git('add', '-A')
      repo.git('commit', '-q', '--allow-empty', '-m', 'change')
    },
  }
  repo.git('init', '-q', '-b', 'main')
  return repo
}

export function writeFiles(folder: string, files: Readonly<Record<string, string | Buffer>>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), content)
  }
}

/** A trap: the command that springs it, and whether it has sprung. */
export function trap(): { command: string; isSprung: () => boolean } {
  const mark = join(tempFolder(), 'sprung')
  return { command: `touch '${mark}'`, isSprung: () => existsSync(mark) }
}

/** A git that takes a while, and how many of it have run at once. */
export function slowGit(): { program: string; mostAtOnce: () => number } {
  const folder = tempFolder()
  const log = join(folder, 'log')
  const program = join(folder, 'git')
  const real = spawnSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).stdout.trim()
  const script = ['#!/bin/sh', `printf + >> '${log}'`, 'sleep 0.2', `printf - >> '${log}'`, `exec ${real} "$@"`, '']
  writeFileSync(program, script.join('\n'), { mode: 0o755 })
  return {
    program,
    mostAtOnce() {
      let running = 0
      let most = 0
      for (const sign of readFileSync(log, 'utf8')) {
        running += sign === '+' ? 1 : -1
        most = Math.max(most, running)
      }
      return most
    },
  }
}
