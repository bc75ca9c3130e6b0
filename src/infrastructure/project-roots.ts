import { lstatSync, realpathSync, statSync } from 'node:fs'
import { basename, isAbsolute, join, parse, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CodexError } from '../errors.ts'
import { errnoOf } from './errno.ts'

/** A folder from which files may be sent. */
export interface Root {
  /** As the client spells it, and with all links followed. */
  given: string
  path: string
  /** What stands in front of the names of its files: nothing for the first one, `name/` for others. */
  label: string
}

/** Something in a root, by a name relative to it, with `/`; the root itself has the empty name. */
export interface NamedPlace {
  root: Root
  name: string
}

/** What lies there, links followed. */
export type Place =
  | { kind: 'file' | 'folder'; path: string }
  | { kind: 'missing' }
  | { kind: 'refused'; reason: string }

/**
 * The folders a client names, by path or as `file:` URI. What is not there or no folder is left out, and so is a whole disk:
 * confined to everything is not confined.
 *
 * @throws CodexError INPUT_INVALID none of them can be used
 */
export function openRoots(roots: readonly string[]): readonly Root[] {
  const opened: Root[] = []
  for (const given of roots.flatMap(asPath)) {
    const path = realFolder(given)
    if (path === undefined || opened.some((root) => root.path === path)) continue
    opened.push({ given, path, label: opened.length === 0 ? '' : `${basename(path)}/` })
  }
  if (opened.length > 0) return opened
  throw new CodexError('INPUT_INVALID', 'There is no project folder here from which files could be sent.', {
    hint: 'Open a folder in the client, or paste what matters into the prompt.',
  })
}

/** Which places a name or a pattern may mean, best first; or why none. */
export function placesNamed(text: string, roots: readonly Root[]): readonly NamedPlace[] | { reason: string } {
  if (text.trim() === '' || text.length > MAX_NAME_LENGTH || text.includes('\0')) return { reason: 'is no name' }
  if (segmentsOf(text).includes('..')) return { reason: 'has “..” in it: name it from the project folder' }
  if (!isAbsolute(text)) {
    const name = segmentsOf(text).join('/')
    const direct = roots.map((root) => ({ root, name }))
    const labelled = direct.filter(({ root }) => root.label !== '' && name.startsWith(root.label))
    return [...direct, ...labelled.map(({ root }) => ({ root, name: name.slice(root.label.length) }))]
  }
  const places = roots.flatMap((root) => {
    const name = below(root.given, text) ?? below(root.path, text) ?? belowReal(root, text)
    return name === undefined ? [] : [{ root, name }]
  })
  return places.length > 0 ? places : { reason: OUTSIDE }
}

/** Follows all links first and only then asks whether it lies in one of the roots. */
export function placeAt({ root, name }: NamedPlace, roots: readonly Root[]): Place {
  // On Windows a colon names a second stream of a file, whose name would say nothing about what is in it.
  if (sep === '\\' && name.includes(':')) return { kind: 'missing' }
  try {
    const path = realpathSync.native(join(root.path, name))
    if (!isInside(path, roots)) return { kind: 'refused', reason: 'leads out of the project through a link' }
    const stat = statSync(path)
    if (stat.isFile() || stat.isDirectory()) return { kind: stat.isFile() ? 'file' : 'folder', path }
    return { kind: 'refused', reason: 'is not a regular file' }
  } catch (error) {
    return whyNot(errnoOf(error))
  }
}

/** True if the last part of its name is a link. */
export function isLink({ root, name }: NamedPlace): boolean {
  return lstatSync(join(root.path, name), { throwIfNoEntry: false })?.isSymbolicLink() ?? false
}

function isInside(path: string, roots: readonly Root[]): boolean {
  return roots.some((root) => below(root.path, path) !== undefined)
}

/** The name of `path` in `folder`, with `/`; undefined when it lies elsewhere. */
export function below(folder: string, path: string): string | undefined {
  const name = relative(folder, path)
  return isAbsolute(name) || name.split(sep)[0] === '..' ? undefined : name.replaceAll(sep, '/')
}

const MAX_NAME_LENGTH = 4096
const OUTSIDE = 'lies outside the project'

function asPath(root: string): string[] {
  if (!/^file:/i.test(root)) return isAbsolute(root) ? [root] : []
  try {
    return [fileURLToPath(root)]
  } catch {
    // Another host's, or with a slash escaped: nothing that lies on this machine.
    return []
  }
}

function realFolder(path: string): string | undefined {
  try {
    const real = realpathSync.native(path)
    return statSync(real).isDirectory() && parse(real).root !== real ? real : undefined
  } catch {
    // One that cannot be looked at cannot be read from either.
    return undefined
  }
}

function segmentsOf(text: string): string[] {
  return (sep === '\\' ? text.replaceAll('\\', '/') : text).split('/').filter((part) => part !== '' && part !== '.')
}

/** For a path that reaches the root by another link than the client does. */
function belowReal(root: Root, path: string): string | undefined {
  try {
    return below(root.path, realpathSync.native(path))
  } catch {
    return undefined
  }
}

function whyNot(code: string | undefined): Place {
  if (code === 'ELOOP') return { kind: 'refused', reason: 'is a link that leads in a circle' }
  if (code === 'EACCES' || code === 'EPERM') return { kind: 'refused', reason: 'may not be read by this user' }
  return { kind: 'missing' }
}
