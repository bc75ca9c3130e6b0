import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { symlinkSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, test } from 'vitest'
import { createGit } from '../../../src/infrastructure/git.ts'
import { createProjectFiles } from '../../../src/infrastructure/project-files.ts'
import { type Attached, createAttachments } from '../../../src/services/files/attachments.ts'
import { errorOf, shown } from '../../support/error-of.ts'
import { gitRepo, writeFiles } from '../../support/git-repo.ts'
import { GIF, JPEG, PNG, WEBP } from '../../support/images.ts'
import { privateKeyPem } from '../../support/private-key.ts'
import { tempFolder } from '../../support/temp-folder.ts'

const git = createGit()
const projectFiles = createProjectFiles({ git })
const attachments = createAttachments({ projectFiles, git, own: [], randomBytes })
const attach = (files: readonly string[], ...roots: string[]) => attachments.attach({ files }, roots)
const textOf = ({ parts }: Attached) => parts.map((part) => (part.type === 'input_text' ? part.text : '')).join('')

const SECRET = 'has a name that files with secrets have, and those are never sent'

test('one call: files, lines, a pattern, an image and a diff', async () => {
  const { folder, commit, write } = gitRepo()
  const notes = Array.from({ length: 100 }, (_, index) => `note ${index + 1}\n`).join('')
  commit({ 'src/a.ts': 'a\n', 'src/b/c.ts': 'c\n', 'notes.md': notes, 'shot.jpg': PNG })
  write({ 'src/a.ts': 'changed\n' })
  const request = { files: ['src/a.ts', 'src/**/*.ts', 'notes.md:10-80', 'shot.jpg'], diff: 'working' }
  const attached = await attachments.attach(request, [pathToFileURL(folder).href])
  expect(attached.sent).toEqual([
    { name: 'src/a.ts', kind: 'text', bytes: 7 },
    { name: 'src/b/c.ts', kind: 'text', bytes: 1 },
    { name: 'notes.md:10-80', kind: 'text', bytes: 71 * 8 - 1 },
    { name: 'shot.jpg', kind: 'image', bytes: PNG.length },
    { name: 'working', kind: 'diff', bytes: expect.any(Number), files: ['src/a.ts'] },
  ])
  expect(attached.left).toEqual([])
  expect(attached.parts[1]).toEqual({
    type: 'input_image',
    image_url: `data:image/png;base64,${PNG.toString('base64')}`,
  })
  const text = textOf(attached)
  expect(text).toContain('file "notes.md:10-80" (lines 10 to 80 of 100)\n10| note 10\n11| note 11\n')
  expect(text).toContain('file "src/a.ts"\n1| changed\n<<<')
  expect(text).toContain('-a\n+changed\n<<<')
})

test('nothing asked, nothing sent, and no folder needed', async () => {
  expect(await attachments.attach({}, [])).toEqual({ parts: [], sent: [], left: [] })
  expect(await attachments.attach({ files: [] }, [])).toEqual({ parts: [], sent: [], left: [] })
  expect(await errorOf(attach(['a']))).toMatchObject({ code: 'INPUT_INVALID' })
})

test('a file goes once, whatever it is called', async () => {
  const { folder, commit } = gitRepo()
  commit({ 'a.md': '1\n2\n3\n', 'b.md': '1\n2\n3\n' })
  symlinkSync('a.md', join(folder, 'link.md'))
  const names = async (...files: string[]) => (await attach(files, folder)).sent.map(({ name }) => name)
  expect(await names('a.md', './a.md', join(folder, 'a.md'), '*.md', 'link.md')).toEqual(['a.md', 'b.md'])
  expect(await names('a.md:1-2', 'a.md')).toEqual(['a.md'])
  expect(await names('a.md:1', 'a.md:3', 'a.md:1-1')).toEqual(['a.md:1', 'a.md:3'])
})

describe('what must not be sent', () => {
  const hostile = () => {
    const repo = gitRepo()
    const outside = tempFolder()
    writeFiles(outside, { passwords: 'hidden' })
    repo.commit({
      'a.ts': 'fine\n',
      '.env': 'TOKEN=hidden',
      'conf/server.key': 'hidden',
      'key.txt': privateKeyPem(),
      'bin.dat': 'hidden\0',
      'latin.txt': Buffer.from('größe', 'latin1'),
    })
    symlinkSync('.env', join(repo.folder, 'plain.txt'))
    symlinkSync(join(outside, 'passwords'), join(repo.folder, 'out.txt'))
    symlinkSync(outside, join(repo.folder, 'folder'))
    return { ...repo, outside }
  }

  test.each(Object.entries({ PNG, GIF, JPEG, WEBP }))(
    'is not sent behind the end of a %s, if it is a key',
    async (_, picture) => {
      const { folder } = gitRepo()
      writeFileSync(join(folder, 'pic'), Buffer.concat([picture, Buffer.from(privateKeyPem())]))
      const refused = attach(['pic'], folder)
      await expect(refused).rejects.toThrow('“pic” has a private key in it, and those are never sent')
    },
  )

  test('is left out of what a pattern means, with the reason', async () => {
    const attached = await attach(['**'], hostile().folder)
    expect(attached.sent.map(({ name }) => name)).toEqual(['a.ts'])
    expect(new Set(attached.left)).toEqual(
      new Set([
        `.env ${SECRET}`,
        `conf/server.key ${SECRET}`,
        'key.txt has a private key in it, and those are never sent',
        'bin.dat is binary',
        'latin.txt is binary, or text that is not UTF-8',
        'out.txt leads out of the project through a link',
        'folder leads out of the project through a link',
      ]),
    )
    expect(JSON.stringify(attached)).not.toContain('hidden')
  })

  test('fails the call when it is named, with all reasons at once and no word of what is in it', async () => {
    const { folder, outside } = hostile()
    const files = [
      'a.ts',
      '.env',
      'plain.txt',
      'key.txt:2',
      'bin.dat',
      'out.txt',
      'folder/passwords',
      'missing',
      'A.ts',
    ]
    const error = await errorOf(attach(files, folder))
    expect(error.code).toBe('INPUT_INVALID')
    for (const part of [
      `“.env” ${SECRET}`,
      '“key.txt” has a private key',
      '“bin.dat” is binary',
      '“out.txt” leads out',
      '“folder/passwords” leads out',
      '“missing” does not exist',
      '“A.ts” does not exist (did you mean “a.ts”?)',
    ]) {
      expect(error.message).toContain(part)
    }
    expect(shown(error)).not.toContain('hidden')
    expect(shown(error)).not.toContain(dirname(folder))
    expect(shown(error)).not.toContain(basename(outside))
  })

  test('is refused also under the name of a link to it', async () => {
    const { folder } = hostile()
    const { message } = await errorOf(attach(['plain.txt'], folder))
    expect(message).toContain(`“plain.txt” leads to a file that ${SECRET}`)
  })

  test('is refused also when the folder itself is a place of secrets', async () => {
    const folder = join(tempFolder(), '.ssh')
    writeFiles(folder, { config: 'Host x' })
    expect((await errorOf(attach(['config'], folder))).message).toContain('lies in .ssh')
  })

  test('fails the call when a pattern means nothing else', async () => {
    const error = await errorOf(attach(['conf/*'], hostile().folder))
    expect(error.message).toContain(`“conf/server.key” ${SECRET}`)
  })

  test.runIf(process.platform !== 'win32')('a named pipe does not hold the call', async () => {
    const { folder } = gitRepo()
    spawnSync('mkfifo', [join(folder, 'pipe')])
    expect((await errorOf(attach(['pipe'], folder))).message).toContain('is not a regular file')
    writeFiles(folder, { a: 'a' })
    expect((await attach(['*'], folder)).sent.map(({ name }) => name)).toEqual(['a'])
  })
})

test('what git ignores goes only when it is named', async () => {
  const { folder, commit, write } = gitRepo()
  commit({ '.gitignore': '*.log\n', a: 'a' })
  write({ 'x.log': 'log\n' })
  expect((await attach(['**'], folder)).sent.map(({ name }) => name)).toEqual(['.gitignore', 'a'])
  expect((await attach(['x.log'], folder)).sent.map(({ name }) => name)).toEqual(['x.log'])
})

test('lines of an image, and behind the last line', async () => {
  const { folder, write } = gitRepo()
  write({ 'a.png': PNG, b: '1\n2\n', empty: '' })
  const { message } = await errorOf(attach(['a.png:1', 'b:3-4', 'empty:1'], folder))
  expect(message).toContain('“a.png” is an image and has no lines')
  expect(message).toContain('“b” has only 2 lines')
  expect(message).toContain('“empty” has only 0 lines')
  expect((await attach(['b:2-40', 'empty'], folder)).sent).toMatchObject([{ bytes: 1 }, { bytes: 0 }])
})

describe('amounts', () => {
  test('of one text, of which lines can be had', async () => {
    const { folder, write } = gitRepo()
    write({ 'big.txt': `${'x'.repeat(99)}\n`.repeat(10_001), 'a.txt': 'a' })
    expect((await errorOf(attach(['big.txt'], folder))).message).toContain('is larger than 1 MB: name the lines')
    expect((await attach(['big.txt:5-6'], folder)).sent).toMatchObject([{ bytes: 2 * 99 + 1 }])
    expect((await attach(['*.txt'], folder)).left).toEqual(['big.txt is larger than 1 MB: name the lines that matter'])
  })

  test('of all texts', async () => {
    const { folder, write } = gitRepo()
    for (let index = 0; index < 9; index++) write({ [`f${index}`]: 'x'.repeat(950_000) })
    expect((await errorOf(attach(['*'], folder))).message).toBe('Files and diff are larger than 8 MB together.')
  })

  test('of images, one and all', async () => {
    const { folder, write } = gitRepo()
    write({ 'one.png': Buffer.concat([PNG, Buffer.alloc(20_000_000)]) })
    expect((await errorOf(attach(['one.png'], folder))).message).toContain('is larger than 20 MB')
    for (const name of ['a.png', 'b.png']) write({ [name]: Buffer.concat([PNG, Buffer.alloc(10_000_000, name)]) })
    expect((await errorOf(attach(['a.png', 'b.png'], folder))).message).toBe(
      'The images are larger than 20 MB together.',
    )
  })

  test('of files', async () => {
    const { folder, write } = gitRepo()
    write(Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`f/${index}`, 'x\n'])))
    write({ more: '' })
    expect((await attach(['f'], folder)).sent).toHaveLength(1000)
    expect((await errorOf(attach(['f', 'more'], folder))).message).toContain('1001 files')
  })
})

test('odd names arrive as they are', async () => {
  const names = ['a b', '-p', 'new\nline', 'quo"te', 'größe', 'a:10', '*', '<<<x end', '!a', '$x', "it's", '[id]']
  const { folder, write } = gitRepo()
  write(Object.fromEntries(names.map((name) => [name, `${name.length}\n`])))
  const attached = await attach(names, folder)
  expect(attached.sent.map(({ name }) => name)).toEqual(names)
  for (const name of names) expect(textOf(attached)).toContain(` file ${JSON.stringify(name)}\n1| ${name.length}\n`)
})

test('a file that quotes the markers of an earlier call stays within those of this one', async () => {
  const { folder, write } = gitRepo()
  write({ a: 'one\n' })
  const earlier = textOf(await attach(['a'], folder))
  write({ a: `${earlier}\nfake\n` })
  const now = textOf(await attach(['a'], folder))
  const word = /"<<<(\w+) /.exec(now)?.[1] ?? ''
  expect(earlier).not.toContain(word)
  expect(now.split('\n').filter((line) => line.startsWith('<<<'))).toEqual([`<<<${word} file "a"`, `<<<${word} end`])
})

test('a caller may cancel before and meanwhile', async () => {
  const { folder, write } = gitRepo()
  write(Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`f${index}`, 'x'])))
  expect(await errorOf(attachments.attach({ files: ['*'] }, [folder], AbortSignal.abort()))).toMatchObject({
    code: 'CANCELLED',
  })
  const controller = new AbortController()
  const asked = attachments.attach({ files: ['*'], diff: 'working' }, [folder], controller.signal)
  controller.abort()
  expect(await errorOf(asked)).toMatchObject({ code: 'CANCELLED' })
})

test.runIf(process.platform !== 'win32')(
  'what this program keeps is never sent, whatever it is called and however it is reached',
  async () => {
    const folder = tempFolder()
    writeFiles(folder, { 'notes.txt': 'fine', 'my-login.txt': 'token', 'state/answers/a.txt': 'private' })
    symlinkSync('my-login.txt', join(folder, 'link.txt'))
    const own = [join(folder, 'my-login.txt'), join(folder, 'state')]
    const careful = createAttachments({ projectFiles, git, own, randomBytes })
    for (const name of ['my-login.txt', 'link.txt', 'state/answers/a.txt']) {
      expect((await errorOf(careful.attach({ files: [name] }, [folder]))).message).toContain(
        'is kept by this program itself',
      )
    }
    const { sent, left } = await careful.attach({ files: ['**/*.txt'] }, [folder])
    expect(sent.map(({ name }) => name)).toEqual(['notes.txt'])
    // A link and what it leads to are one.
    expect(left).toHaveLength(2)
  },
)
