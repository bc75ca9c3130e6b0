import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, isAbsolute, join } from 'node:path'

/** The first of these programs that can be started, by name along `searchPath` (PATH) or by absolute path. */
export function findProgram(names: readonly string[], searchPath: string | undefined): string | undefined {
  const folders = (searchPath ?? '').split(delimiter).filter((folder) => folder !== '')
  return names.find((name) =>
    isAbsolute(name) ? isProgram(name) : folders.some((folder) => isProgram(join(folder, name))),
  )
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}
