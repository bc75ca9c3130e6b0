/** The home folder that `find` tells, empty for a user without one: a process may run as such. */
export function homeOrNone(find: () => string): string {
  try {
    return find()
  } catch {
    return ''
  }
}
