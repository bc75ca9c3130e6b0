import { expect, test } from 'vitest'
import { readSurroundings, type Surroundings } from '../../src/infrastructure/surroundings.ts'

const SSH = { SSH_CONNECTION: '10.0.0.2 50000 10.0.0.1 22' }

test.each<[string, NodeJS.Platform, Record<string, string>, string[], Surroundings]>([
  ['a Mac', 'darwin', {}, [], { place: 'desk', hasBrowser: true }],
  ['Windows', 'win32', {}, [], { place: 'desk', hasBrowser: true }],
  ['X11', 'linux', { DISPLAY: ':0' }, [], { place: 'desk', hasBrowser: true }],
  ['Wayland', 'linux', { WAYLAND_DISPLAY: 'wayland-0' }, [], { place: 'desk', hasBrowser: true }],
  ['a server', 'linux', {}, [], { place: 'headless', hasBrowser: false }],
  ['a server with a BROWSER', 'linux', { BROWSER: 'x' }, [], { place: 'headless', hasBrowser: true }],
  ['SSH', 'linux', SSH, [], { place: 'ssh', hasBrowser: false }],
  ['SSH to a Mac', 'darwin', SSH, [], { place: 'ssh', hasBrowser: false }],
  ['SSH, seen by its terminal', 'linux', { SSH_TTY: '/dev/pts/1' }, [], { place: 'ssh', hasBrowser: false }],
  ['SSH with an empty variable', 'linux', { SSH_CONNECTION: '' }, [], { place: 'headless', hasBrowser: false }],
  ['SSH to a machine with a screen', 'linux', { ...SSH, DISPLAY: ':0' }, [], { place: 'ssh', hasBrowser: false }],
  ['SSH -X', 'linux', { ...SSH, DISPLAY: 'localhost:10.0' }, [], { place: 'ssh', hasBrowser: true }],
  ['VS Code Remote', 'linux', { ...SSH, BROWSER: 'helper.sh' }, [], { place: 'ssh', hasBrowser: true }],
  ['WSL', 'linux', { WSL_DISTRO_NAME: 'Debian' }, [], { place: 'wsl', hasBrowser: true }],
  ['WSL by interop', 'linux', { WSL_INTEROP: '/run/WSL/8_interop' }, [], { place: 'wsl', hasBrowser: true }],
  ['SSH into WSL', 'linux', { ...SSH, WSL_DISTRO_NAME: 'Debian' }, [], { place: 'ssh', hasBrowser: false }],
  ['Docker', 'linux', {}, ['/.dockerenv'], { place: 'container', hasBrowser: false }],
  ['Podman', 'linux', {}, ['/run/.containerenv'], { place: 'container', hasBrowser: false }],
  ['a pod', 'linux', { KUBERNETES_SERVICE_HOST: '10.1.1.1' }, [], { place: 'container', hasBrowser: false }],
  ['Docker with a display', 'linux', { DISPLAY: ':0' }, ['/.dockerenv'], { place: 'container', hasBrowser: true }],
  [
    'a dev container',
    'linux',
    { REMOTE_CONTAINERS: 'true', BROWSER: 'h' },
    [],
    { place: 'container', hasBrowser: true },
  ],
])('%s', (_, platform, env, files, expected) => {
  expect(readSurroundings({ env, platform, exists: (path) => files.includes(path) })).toEqual(expected)
})
