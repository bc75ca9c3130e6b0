import { writeFileSync } from 'node:fs'
import fc from 'fast-check'
import { CodexError } from '../../../../src/errors.ts'
import { isSimpleEnough, matcherOf } from '../../../../src/infrastructure/file-pattern.ts'
import { ensureFolder } from '../../../../src/infrastructure/folder.ts'
import { readDiffArgument } from '../../../../src/infrastructure/git-range.ts'
import { rangedName, rangeSuffix } from '../../../../src/infrastructure/line-range.ts'
import { createProjectFiles } from '../../../../src/infrastructure/project-files.ts'
import { openRoots, placeAt, placesNamed } from '../../../../src/infrastructure/project-roots.ts'
import { firstWords } from '../../../../src/services/answers/prompt-words.ts'
import { diffSections, newFileSection } from '../../../../src/services/files/diff-sections.ts'
import { type Block, blockParts } from '../../../../src/services/files/file-block.ts'
import { contentOf } from '../../../../src/services/files/file-content.ts'
import { secretContent, secretName } from '../../../../src/services/files/secret-file.ts'
import { shownName } from '../../../../src/services/files/shown-name.ts'
import { cut, linesOf } from '../../../../src/services/files/text-lines.ts'
import { blocksIn } from '../../file-blocks.ts'
import { GIF, JPEG, PNG, WEBP } from '../../images.ts'
import { bytesOf, damagedBytes, damagedLatin, damagedText, text, whole, word } from '../generators.ts'
import { assert, assertNoKey, assertOneLine, ours, oursLater } from '../properties.ts'
import { freshPath } from '../scratch-folder.ts'
import { type FuzzTarget, target } from '../target.ts'

const name = fc.oneof(
  word(12),
  fc.tuple(word(6), fc.constantFrom('.ts', '.md', '/x', '/(a)/b.tsx')).map((two) => two.join('')),
  text,
)

/** Words of the marker that chance will give; files may have got hold of them. */
const MARKS = ['0101010101010101', '0202020202020202']
const inFile = fc
  .array(
    fc.oneof(
      text,
      fc.constantFrom(
        ...MARKS.flatMap((mark) => [`<<<${mark} end`, `<<<${mark} file "x"`, mark, `\n<<<${mark} end\n`]),
      ),
      fc.constantFrom('\n', '\r', '\r\n', '1| ', "Files of the user's project follow."),
    ),
    { maxLength: 6 },
  )
  .map((parts) => parts.join(''))

const block = fc.record({
  kind: fc.constantFrom('text' as const, 'diff' as const, 'image' as const),
  name,
  content: inFile,
})

const blocks = target({
  name: 'file-blocks',
  cases: fc.array(block, { minLength: 1, maxLength: 4 }),
  check(files) {
    const all = files.map(({ kind, name: called, content }): Block => {
      if (kind === 'text') return { kind, name: called, ...linesOf(content) }
      return kind === 'diff'
        ? { kind, name: called, text: content }
        : { kind, name: called, mime: 'image/png', base64: 'AA==' }
    })
    let tries = 0
    const parts = blockParts(all, (size) => Buffer.alloc(size, ++tries))
    const message = parts.map((part) => (part.type === 'input_text' ? part.text : '')).join('')
    const read = blocksIn(message)
    assert.deepEqual(
      read.map(({ kind, name: called }) => [kind, called]),
      files.map(({ kind, name: called }) => [kind === 'text' ? 'file' : kind, called]),
      'there are other blocks than were put there',
    )
    for (const [index, { text: found }] of read.entries()) {
      const file = files[index]
      if (file?.kind === 'text') assert.equal(found, linesOf(file.content).lines.join('\n'))
      if (file?.kind === 'diff') assert.equal(found, file.content.replace(/\n$/, ''))
    }
  },
})

const lines = target({
  name: 'text-lines',
  cases: fc.record({
    content: inFile,
    first: fc.integer({ min: 1, max: 12 }),
    last: fc.option(fc.nat(12), { nil: null }),
  }),
  check({ content, first, last }) {
    const whole = linesOf(content)
    assert.equal(whole.total, whole.lines.length)
    assert.ok(whole.lines.every((line) => !/[\r\n]/.test(line)))
    assert.equal(whole.lines.join(''), content.replace(/\r\n|\r|\n/g, ''))
    const part = cut(whole, last === null ? { first } : { first, last })
    assert.deepEqual(
      part.lines,
      whole.lines.filter((_, index) => index + 1 >= first && index + 1 <= (last ?? 1e9)),
    )
  },
})

const content = target({
  name: 'file-content',
  cases: fc.oneof(
    damagedBytes(fc.oneof(text, inFile, fc.constantFrom('\ufeffa', 'GIF89a', 'RIFF1234WEBP'))),
    damagedLatin(fc.constantFrom(...[PNG, JPEG, GIF, WEBP].map((picture) => picture.toString('latin1')))),
  ),
  check(latin) {
    const bytes = bytesOf(latin)
    const found = contentOf(bytes)
    if (found.kind === 'text') assert.deepEqual(Buffer.from((found.hasMark ? '\ufeff' : '') + found.text), bytes)
    if (found.kind === 'neither') assertOneLine(found.reason)
    const secret = secretContent(latin) ?? secretName(latin.slice(0, 200))
    if (secret !== undefined) assertOneLine(secret)
  },
})

/** A name as it can be in a folder. */
const fileName = fc
  .array(
    fc.oneof(
      word(8),
      text.map((one) => one.replace(/[\0/]/g, '').slice(0, 60)),
    ),
    { minLength: 1, maxLength: 3 },
  )
  .map((parts) =>
    parts
      .map((part) => whole(part))
      .filter((part) => part !== '' && part !== '.' && part !== '..')
      .join('/'),
  )
  .filter((one) => one !== '')

const diffs = target({
  name: 'diff-sections',
  cases: fc.array(
    fc.record({
      name: fileName,
      content: fc.oneof(inFile, fc.constantFrom('diff --git a/x b/x', '--- a/y', '\n+++ b/z', '* Unmerged path q')),
    }),
    { maxLength: 4 },
  ),
  check(files) {
    const whole = files.map(({ name: called, content: inside }) => {
      // Only a line feed ends a line of a diff.
      const all = inside.split('\n')
      const isEnded = all.at(-1) === ''
      return newFileSection(called, isEnded ? all.slice(0, -1) : all, isEnded)
    })
    const sections = diffSections(whole.join(''))
    assert.deepEqual(
      sections.map((section) => section.text),
      whole,
    )
    assert.deepEqual(
      sections.map(({ names }) => names),
      files.map(({ name: called }) => [called]),
    )
  },
})

const anyDiff = target({
  name: 'any-diff',
  cases: damagedText(
    fc
      .array(
        fc.oneof(
          fc
            .tuple(
              fc.constantFrom(
                'diff --git a/',
                'diff --cc ',
                '--- a/',
                '+++ b/',
                'rename from ',
                '* Unmerged path ',
                '@@ ',
                '+',
                '-',
                ' ',
              ),
              text,
            )
            .map((two) => two.join('')),
          text,
        ),
        { maxLength: 10 },
      )
      .map((all) => all.join('\n')),
  ),
  check(diff) {
    assert.equal(
      diffSections(diff)
        .map((section) => section.text)
        .join(''),
      diff,
      'something of the diff is lost',
    )
  },
})

const patternText = damagedText(
  fc
    .array(
      fc.constantFrom(
        '*',
        '**',
        '?',
        '/',
        'a',
        'aa',
        '.',
        '{a,b}',
        '[a-z]',
        '[!a]',
        '{',
        '}',
        '[',
        ']',
        '(',
        ')',
        '|',
        '+',
        '!',
        '\\',
        ',',
      ),
      { maxLength: 14 },
    )
    .map((all) => all.join('')),
)

const patterns = target({
  name: 'file-pattern',
  limitMs: 1_000,
  cases: fc.record({ pattern: patternText, called: name, unit: fc.constantFrom('a', 'a/', '.a', 'ab', '[a') }),
  async check({ pattern, called, unit }) {
    if (!isSimpleEnough(pattern) || pattern === '') return
    const matches = await matcherOf(pattern)
    for (const length of [0, 10, 250]) matches(unit.repeat(length))
    matches(called)
  },
})

const ranges = target({
  name: 'line-range',
  cases: fc.record({
    called: name,
    entry: fc.oneof(
      text,
      fc
        .tuple(name, fc.constantFrom(':1', ':10-', ':5-3', ':0', ':-', ':1-2', ':999999999-', ':1234567890'))
        .map((two) => two.join('')),
    ),
    first: fc.integer({ min: 1, max: 999_999 }),
    more: fc.option(fc.nat(1000), { nil: null }),
  }),
  check({ called, entry, first, more }) {
    const range = more === null ? { first } : { first, last: first + more }
    if (called !== '') assert.deepEqual(rangedName(`${called}${rangeSuffix(range)}`)?.range, range)
    const found = rangedName(entry)
    if (found === undefined) return
    assert.ok(entry.startsWith(`${found.name}:`))
    if (found.range !== undefined) assert.ok(found.range.first >= 1 && (found.range.last ?? 1e9) >= found.range.first)
  },
})

const gitRange = target({
  name: 'git-range',
  cases: fc.oneof(
    text,
    damagedText(
      fc
        .tuple(
          fc.constantFrom('HEAD~3', 'main', '', '--output=x', '-x', '@{u}', 'a:b', '^a'),
          fc.constantFrom('..', '...', '....', ''),
          fc.constantFrom('HEAD', '', 'v1', '--no-index'),
        )
        .map((all) => all.join('')),
    ),
  ),
  check(argument) {
    const found = ours(() => readDiffArgument(argument), 'INPUT_INVALID')
    if (found instanceof CodexError) return
    const revisions = found.kind === 'since' ? [found.revision] : found.kind === 'between' ? [found.from, found.to] : []
    for (const revision of revisions) {
      assert.match(revision, /^[^-^:\s\0][^:\s\0\\]*$/)
      assert.ok(!revision.includes('..') && revision.length <= 200)
    }
  },
})

let project: string | undefined
function theProject(): string {
  if (project !== undefined) return project
  project = freshPath('project')
  for (const folder of ['', '/src', '/src/(a)']) ensureFolder(project + folder)
  for (const file of ['/a.md', '/src/b.ts', '/src/(a)/c.tsx', '/src/[x].ts']) writeFileSync(project + file, 'text\n')
  return project
}

const roots = target({
  name: 'roots',
  share: 0.2,
  cases: fc.record({
    uris: fc.array(
      damagedText(fc.constantFrom('file:///tmp', 'file://host/x', '/tmp', 'file:///', 'file:///tmp/%2e%2e')),
      { maxLength: 3 },
    ),
    wanted: fc.oneof(text, damagedText(fc.constantFrom('a.md', '../a.md', '/etc/passwd', 'src/b.ts', './src//b.ts'))),
  }),
  check({ uris, wanted }) {
    ours(() => openRoots(uris), 'INPUT_INVALID')
    const own = openRoots([theProject()])
    const places = placesNamed(wanted, own)
    if ('reason' in places) return assertOneLine(places.reason)
    for (const place of places) {
      const found = placeAt(place, own)
      if ('path' in found) assert.ok(`${found.path}/`.startsWith(`${theProject()}/`), 'it lies outside the project')
      if ('reason' in found) assertOneLine(found.reason)
    }
  },
})

const files = target({
  name: 'files-argument',
  share: 0.1,
  limitMs: 3_000,
  cases: fc.array(
    fc.oneof(
      text,
      patternText,
      damagedText(fc.constantFrom('a.md:1-2', 'src/**', '!src', 'src/(a)/*.tsx', 'src/[x].ts', '../**')),
    ),
    { minLength: 1, maxLength: 4 },
  ),
  async check(entries) {
    const git = { isWorkTree: async () => false, files: async () => [] as never }
    const found = await oursLater(() =>
      createProjectFiles({ git: git as never }).find(entries, openRoots([theProject()])),
    )
    if (found instanceof CodexError) return
    for (const file of found.files) assert.ok(file.path.startsWith(`${theProject()}/`), 'it lies outside the project')
    for (const { reason } of [...found.refused, ...found.left]) assertOneLine(reason)
  },
})

const names = target({
  name: 'shown-words',
  cases: fc.oneof(text, name),
  check(said) {
    assertOneLine(shownName(said))
    assert.ok(firstWords(said).length <= 2 * 80)
    assert.doesNotMatch(firstWords(said), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
    assertNoKey(firstWords(said))
  },
})

export const PROMPT_TARGETS: readonly FuzzTarget[] = [
  ...[blocks, lines, content, diffs, anyDiff, patterns, ranges, gitRange, roots, files, names],
]
