import { CodexError } from '../../errors.ts'
import { cancelled } from '../../infrastructure/abort.ts'
import { canonicalPath } from '../../infrastructure/canonical-path.ts'
import type { Git } from '../../infrastructure/git.ts'
import { MAX_FILES } from '../../infrastructure/pattern-files.ts'
import type { FoundFile, ProjectFiles, Unusable } from '../../infrastructure/project-files.ts'
import { openRoots, type Root } from '../../infrastructure/project-roots.ts'
import type { ContentPart } from '../codex/input-item.ts'
import { quoteRemote } from '../codex/remote-text.ts'
import { attachDiff } from './attached-diff.ts'
import { attachFile, MAX_IMAGE_BYTES } from './attached-file.ts'
import { type Block, blockParts } from './file-block.ts'
import { few, type SentPart } from './sent-words.ts'
import { shownName } from './shown-name.ts'

/** What goes to the model beside the prompt. */
export interface Attached {
  parts: readonly ContentPart[]
  sent: readonly SentPart[]
  /** What a pattern or a diff means and was left out: names with the reason. */
  left: readonly string[]
}

export interface AttachmentRequest {
  files?: readonly string[]
  diff?: string
}

export interface Attachments {
  /**
   * Reads files and changes for a question, confined to `roots`: folders by path or `file:` URI, the first one being the
   * project. A file that was named and cannot be sent fails the whole; one that a pattern means is left out.
   *
   * @throws CodexError INPUT_INVALID, STORAGE_FAILED, CANCELLED
   */
  attach(request: AttachmentRequest, roots: readonly string[], signal?: AbortSignal): Promise<Attached>
}

export interface AttachmentsDeps {
  projectFiles: ProjectFiles
  git: Git
  /** Files and folders of this program with what is nobody else's business, wherever the user has put them. */
  own: readonly string[]
  randomBytes: (size: number) => Uint8Array
}

export function createAttachments({ projectFiles, git, own, randomBytes }: AttachmentsDeps): Attachments {
  return {
    async attach({ files = [], diff }, rootNames, signal) {
      if (files.length === 0 && diff === undefined) return { parts: [], sent: [], left: [] }
      const roots = openRoots(rootNames)
      const chosen =
        files.length === 0 ? NOTHING : await attachFiles({ entries: files, roots, signal }, { projectFiles, own })
      const changes = diff === undefined ? [] : [await attachDiff(diff, roots, git, signal)]
      if (signal?.aborted) throw cancelled()
      const pieces = [...chosen.pieces, ...changes]
      pieces.forEach(createTally())
      return {
        parts: blockParts(
          pieces.map(({ block }) => block),
          randomBytes,
        ),
        sent: pieces.map(({ sent }) => sent),
        left: [...chosen.left, ...changes.flatMap(({ left }) => left)],
      }
    },
  }
}

interface Piece {
  block: Block
  sent: SentPart
}

interface ChosenFiles {
  pieces: readonly Piece[]
  left: readonly string[]
}

const NOTHING: ChosenFiles = { pieces: [], left: [] }

interface WantedFiles {
  entries: readonly string[]
  roots: readonly Root[]
  signal: AbortSignal | undefined
}

async function attachFiles(
  { entries, roots, signal }: WantedFiles,
  { projectFiles, own }: Pick<AttachmentsDeps, 'projectFiles' | 'own'>,
): Promise<ChosenFiles> {
  const found = await projectFiles.find(entries, roots, signal)
  const files = withoutRepeats(found.files)
  if (files.length > MAX_FILES) throw tooManyFiles(files.length)
  const [pieces, refused, left]: [Piece[], Unusable[], Unusable[]] = [[], [...found.refused], [...found.left]]
  // Both once for all files: for each of a thousand, following links and adding up would cost more than reading it.
  const ownPaths = own.map(canonicalPath)
  const add = createTally()
  for (const file of files) {
    if (signal?.aborted) throw cancelled()
    const attached = isOwn(file, ownPaths) ? OWN : await attachFile(file)
    if ('reason' in attached) (file.exact ? refused : left).push({ name: file.name, reason: attached.reason })
    else {
      pieces.push(attached)
      // Before the rest is read, too.
      add(attached)
    }
  }
  if (refused.length > 0) throw cannotBeSent(refused)
  if (pieces.length === 0) throw cannotBeSent(left)
  return { pieces, left: [...new Set(left.map(({ name, reason }) => `${shownName(name)} ${reason}`))] }
}

const OWN = { reason: 'is kept by this program itself and never sent' }

function isOwn({ path }: FoundFile, own: readonly string[]): boolean {
  return own.some((one) => path === one || path.startsWith(`${one}/`) || path.startsWith(`${one}\\`))
}

/** Each file once, by where it lies; lines of one that goes as a whole go with it. A name counts more than a pattern. */
function withoutRepeats(files: readonly FoundFile[]): readonly FoundFile[] {
  const whole = new Set(files.filter(({ range }) => range === undefined).map(({ path }) => path))
  const kept = new Map<string, FoundFile>()
  for (const file of files) {
    if (file.range !== undefined && whole.has(file.path)) continue
    const key = JSON.stringify([file.path, file.range])
    const earlier = kept.get(key)
    kept.set(key, earlier === undefined || (file.exact && !earlier.exact) ? file : earlier)
  }
  return [...kept.values()]
}

const MAX_ALL_TEXT_BYTES = 8_000_000

/** Adds up what it is told of, one by one. What it returns throws CodexError INPUT_INVALID once that is too much. */
function createTally(): (piece: Piece) => void {
  let [text, images] = [0, 0]
  return ({ sent: { kind, bytes } }) => {
    if (kind === 'image') images += bytes
    else text += bytes
    if (text > MAX_ALL_TEXT_BYTES) throw tooMuch('Files and diff', MAX_ALL_TEXT_BYTES)
    if (images > MAX_IMAGE_BYTES) throw tooMuch('The images', MAX_IMAGE_BYTES)
  }
}

function tooMuch(what: string, maxBytes: number): CodexError {
  return new CodexError('INPUT_INVALID', `${what} are larger than ${maxBytes / 1_000_000} MB together.`, {
    hint: 'Name fewer files or lines of them, or leave some out with "!" in front.',
  })
}

function tooManyFiles(count: number): CodexError {
  return new CodexError('INPUT_INVALID', `These are ${count} files, and one call takes ${MAX_FILES} at most.`, {
    hint: 'Name fewer files, or leave some out with "!" in front.',
  })
}

/** All that is wrong at once: a call for each would cost a turn each. */
function cannotBeSent(all: readonly Unusable[]): CodexError {
  const reasons = all.map(({ name, reason, near = [] }) => {
    const help = near.length === 0 ? '' : ` (did you mean ${near.map((one) => quoteRemote(one, 120)).join(' or ')}?)`
    return `${quoteRemote(name, 120)} ${reason}${help}`
  })
  return new CodexError('INPUT_INVALID', `Nothing was sent: ${few(reasons, '; ')}.`, {
    hint: all.some(({ reason }) => /never sent/.test(reason))
      ? 'Leave these out; of a file with secrets, put what matters into the prompt without them.'
      : 'Correct these names or leave them out.',
  })
}
