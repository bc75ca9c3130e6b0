import { describe, expect, test } from 'vitest'
import { type MachineEdges, machineSecret } from '../../src/infrastructure/machine-secret.ts'

const LINUX_ID = '0123456789abcdef0123456789abcdef'
const UUID = '564D1234-ABCD-EF01-2345-6789ABCDEF01'
const user = { uid: 1000, name: 'person', home: '/home/person' }

const linux = (files: Record<string, string>): MachineEdges => ({
  platform: 'linux',
  readFile: (path) => files[path],
  run: async () => '',
  user: () => user,
  systemRoot: '',
})
const asked: unknown[] = []
const prints = (platform: NodeJS.Platform, output: string): MachineEdges => ({
  platform,
  readFile: () => undefined,
  run: async (...program) => {
    asked.push(program)
    return output
  },
  user: () => ({ ...user, uid: platform === 'win32' ? -1 : 501 }),
  systemRoot: 'D:\\Windows',
})

const ioreg = (id: string) =>
  `+-o MacBookPro18,3  <class IOPlatformExpertDevice>\n    {\n      "IOPlatformSerialNumber" = "C02FAKE"\n      "IOPlatformUUID" = "${id}"\n    }\n`
const reg = (id: string) =>
  `\r\nHKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Cryptography\r\n    MachineGuid    REG_SZ    ${id}\r\n\r\n`

test.each<[string, MachineEdges, string]>([
  ['Linux', linux({ '/etc/machine-id': `${LINUX_ID}\n` }), `["${LINUX_ID}",1000,"person","/home/person"]`],
  [
    'Linux with the file of D-Bus',
    linux({ '/var/lib/dbus/machine-id': LINUX_ID }),
    `["${LINUX_ID}",1000,"person","/home/person"]`,
  ],
  [
    'Linux with an empty file, as in an image',
    linux({ '/etc/machine-id': '', '/var/lib/dbus/machine-id': LINUX_ID }),
    `["${LINUX_ID}",1000,"person","/home/person"]`,
  ],
  ['macOS', prints('darwin', ioreg(UUID)), `["${UUID.toLowerCase()}",501,"person","/home/person"]`],
  ['Windows', prints('win32', reg(UUID.toLowerCase())), `["${UUID.toLowerCase()}",-1,"person","/home/person"]`],
])('%s', async (_, edges, secret) => {
  expect(await machineSecret(edges)).toBe(secret)
})

test('the programs are those of the system, whatever the path says', async () => {
  asked.length = 0
  await machineSecret(prints('darwin', ''))
  await machineSecret(prints('win32', ''))
  expect(asked).toEqual([
    ['/usr/sbin/ioreg', ['-rd1', '-c', 'IOPlatformExpertDevice']],
    [
      'D:\\Windows\\System32\\reg.exe',
      ['query', 'HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Cryptography', '/v', 'MachineGuid', '/reg:64'],
    ],
  ])
})

describe('a machine without an id has no secret:', () => {
  test.each<[string, MachineEdges]>([
    ['no file', linux({})],
    ['an image that was never started', linux({ '/etc/machine-id': 'uninitialized\n' })],
    ['something else in the file', linux({ '/etc/machine-id': 'localhost' })],
    ['macOS without an answer', prints('darwin', '')],
    ['macOS with another answer', prints('darwin', ioreg('none'))],
    ['Windows without an answer', prints('win32', 'ERROR: The system was unable to find the specified registry key.')],
  ])('%s', async (_, edges) => {
    expect(await machineSecret(edges)).toBeUndefined()
  })
})

test('another user, another home and another machine each have another secret', async () => {
  const here = linux({ '/etc/machine-id': LINUX_ID })
  const secrets = await Promise.all([
    machineSecret(here),
    machineSecret({ ...here, user: () => ({ ...user, uid: 1001 }) }),
    machineSecret({ ...here, user: () => ({ ...user, name: 'other' }) }),
    machineSecret({ ...here, user: () => ({ ...user, home: '/home/other' }) }),
    machineSecret(linux({ '/etc/machine-id': LINUX_ID.replace('0', 'f') })),
  ])
  expect(new Set(secrets).size).toBe(5)
})

test('this machine says the same twice, whatever its variables say', async () => {
  const before = await machineSecret()
  const { HOME } = process.env
  process.env.HOME = '/somewhere/else'
  try {
    expect(await machineSecret()).toBe(before)
  } finally {
    if (HOME !== undefined) process.env.HOME = HOME
  }
})
