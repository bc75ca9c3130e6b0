import { CodexError } from '../../errors.ts'
import type { Git } from '../../infrastructure/git.ts'
import { MAX_DIFF_BYTES } from '../../infrastructure/git-diff.ts'
import { type DiffRequest, readDiffArgument } from '../../infrastructure/git-range.ts'
import { isLink, placeAt, type Root } from '../../infrastructure/project-roots.ts'
import { readForSending } from './attached-file.ts'
import { diffSections, newFileSection } from './diff-sections.ts'
import type { Block } from './file-block.ts'
import { secretContent, secretName } from './secret-file.ts'
import { few, type SentPart } from './sent-words.ts'
import { shownName } from './shown-name.ts'

/** A diff ready to be sent. */
export interface AttachedDiff {
  block: Block
  sent: SentPart
  left: readonly string[]
}

/**
 * The changes that a diff argument names, in the first root that lies in a work tree. Changes of secret-looking files are left out.
 *
 * @throws CodexError INPUT_INVALID no such diff, no changes, a private key in it, too large; STORAGE_FAILED; CANCELLED
 */
export async function attachDiff(
  argument: string,
  roots: readonly Root[],
  git: Git,
  signal?: AbortSignal,
): Promise<AttachedDiff> {
  const request = readDiffArgument(argument)
  const root = await firstWorkTree(roots, git, signal)
  const changes = changesIn(await git.diff(root.path, request, signal), root)
  const added = request.kind === 'working' ? await newFiles(root, git, signal) : NOTHING
  const text = [...changes.sections, ...added.sections].join('')
  const left = [...changes.left, ...added.left]
  if (text === '') throw noChanges(argument, request, left)
  if (Buffer.byteLength(text) > MAX_DIFF_BYTES) throw tooLarge()
  return {
    block: { kind: 'diff', name: argument, text },
    sent: {
      ...{ name: argument, kind: 'diff', bytes: Buffer.byteLength(text) },
      files: [...changes.names, ...added.names],
    },
    left: [...left, ...(roots.length > 1 ? ['changes in the other folders of the project'] : [])],
  }
}

interface Changes {
  sections: readonly string[]
  /** Of the files in them. */
  names: readonly string[]
  left: readonly string[]
}

const NOTHING: Changes = { sections: [], names: [], left: [] }

async function firstWorkTree(roots: readonly Root[], git: Git, signal?: AbortSignal): Promise<Root> {
  for (const root of roots) if (await git.isWorkTree(root.path, signal)) return root
  throw new CodexError('INPUT_INVALID', 'The project folder is not in a git repository, so it has no diff.', {
    hint: 'Leave diff out, and name the files that matter with files.',
  })
}

/** What was checked is what is sent: names are read from the very text, not asked for beside it. */
function changesIn(text: string, root: Root): Changes {
  const judged = diffSections(text).map((section) => {
    const secret = section.names
      .map((name) => secretName(name) ?? secretName(`${root.path}/${name}`))
      .find((reason) => reason !== undefined)
    const reason = section.names.length === 0 ? 'has a name that cannot be read' : secret
    const name = section.names.map(shownName).join(' to ')
    return { ...section, name: name === '' ? 'a change' : name, reason }
  })
  const open = judged.filter(({ reason }) => reason === undefined)
  const key = open.find((section) => secretContent(section.text) !== undefined)
  if (key !== undefined) throw privateKey(key.name)
  return {
    sections: open.map((section) => section.text),
    names: open.flatMap((section) => section.names.at(-1) ?? []),
    left: judged.flatMap(({ name, reason }) => (reason === undefined ? [] : [`${name} ${reason}`])),
  }
}

const MAX_NEW_FILES = 100

async function newFiles(root: Root, git: Git, signal?: AbortSignal): Promise<Changes> {
  const { files, repositories } = await git.untracked(root.path, signal)
  const judged = []
  for (const name of files.slice(0, MAX_NEW_FILES)) judged.push({ name, ...(await newFile(root, name)) })
  const more = files.length - MAX_NEW_FILES
  return {
    sections: judged.flatMap(({ section }) => (section === undefined ? [] : [section])),
    names: judged.flatMap(({ name, section }) => (section === undefined ? [] : [name])),
    left: [
      ...judged.flatMap(({ name, reason }) => (reason === undefined ? [] : [`${shownName(name)} ${reason}`])),
      ...repositories.map((name) => `${shownName(name)} is a repository of its own`),
      ...(more > 0 ? [`${more} more new files`] : []),
    ],
  }
}

async function newFile(root: Root, name: string): Promise<{ section?: string; reason?: string }> {
  if (isLink({ root, name })) return { reason: 'is a link' }
  const place = placeAt({ root, name }, [root])
  if (place.kind !== 'file') return { reason: place.kind === 'refused' ? place.reason : 'is gone' }
  const read = await readForSending({ name, path: place.path })
  if ('reason' in read) return read
  const { content } = read
  if (content.kind === 'image') return { reason: 'is an image: name it in files to send it' }
  const lines = content.text.split('\n')
  const isEnded = lines.at(-1) === ''
  return { section: newFileSection(name, isEnded ? lines.slice(0, -1) : lines, isEnded) }
}

function noChanges(argument: string, { kind }: DiffRequest, left: readonly string[]): CodexError {
  if (left.length > 0) {
    return new CodexError('INPUT_INVALID', `Nothing of the diff can be sent: ${few(left, '; ')}.`, {
      hint: 'Name another range, or send the files that matter with files.',
    })
  }
  const what = { staged: 'Nothing is staged', working: 'Everything is committed' }[kind as string]
  return new CodexError('INPUT_INVALID', `${what ?? `Nothing has changed in ${argument}`}, so there is no diff.`, {
    hint: 'Name another range; "working" is what is not committed, "staged" what is in the index.',
  })
}

function privateKey(name: string): CodexError {
  return new CodexError('INPUT_INVALID', `The diff contains a private key, in ${name}, and was not sent.`, {
    hint: 'Send the other files that matter with files, and see that the key does not stay in the repository.',
  })
}

function tooLarge(): CodexError {
  return new CodexError(
    'INPUT_INVALID',
    `The diff with its new files is larger than ${MAX_DIFF_BYTES / 1_000_000} MB.`,
    {
      hint: 'Stage or commit what matters and name that, or send single files with files.',
    },
  )
}
