/** A system call within a stretch of what strace has written of a process. */
export interface SystemCall {
  name: string
  /** Which one of its name it was since the process began. */
  nth: number
  /** Which one of the stretch it was, from 1. */
  place: number
}

/** Nothing happens to a file in these. */
const IDLE = /^(rt_\w+|futex|mmap|munmap|mprotect|madvise|brk|epoll_\w+|getpid|gettid|clone3?|restart_syscall)$/

/** The calls from the first that makes `path` a folder up to the last that removes it, or to the end of the log. */
export function systemCallsIn(log: string, path: string): SystemCall[] {
  const lines = log.split('\n').filter((line) => /^\w+\(/.test(line))
  const begin = lines.findIndex((line) => line.startsWith('mkdir(') && line.includes(path))
  const end = lines.findLastIndex((line) => line.startsWith('rmdir(') && line.includes(path))
  const counts = new Map<string, number>()
  const calls: SystemCall[] = []
  for (const [n, line] of lines.entries()) {
    const name = line.slice(0, line.indexOf('('))
    const nth = (counts.get(name) ?? 0) + 1
    counts.set(name, nth)
    const isWithin = begin !== -1 && n >= begin && (end === -1 || n <= end)
    if (isWithin && !IDLE.test(name)) calls.push({ name, nth, place: calls.length + 1 })
  }
  return calls
}
