import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..', '..')
const text = (path: string) => readFileSync(join(root, path), 'utf8')

/** Files of this project, by their path in it. */
export const readProject = {
  text,
  // biome-ignore lint/suspicious/noExplicitAny: tests read what they expect to be there
  json: (path: string): any => JSON.parse(text(path)),
  /** All files in a folder and below, by their path from there. */
  list: (folder: string) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(join(root, folder).length + 1))
      .sort(),
}
