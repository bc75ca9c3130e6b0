import { expect, test } from 'vitest'
import type { Surroundings } from '../../../src/infrastructure/surroundings.ts'
import { chooseMethod, type MethodChoice, type MethodWish } from '../../../src/services/sign-in/sign-in-method.ts'

const at = (place: Surroundings['place'], hasBrowser: boolean) => ({ place, hasBrowser })
const choose = (surroundings: Surroundings, wish: Partial<MethodWish> = {}): MethodChoice =>
  chooseMethod({ method: undefined, opensBrowser: true, surroundings, ...wish })

test.each<[string, Surroundings, Partial<MethodWish>, Partial<MethodChoice>, RegExp]>([
  ['a desk', at('desk', true), {}, { method: 'browser', opensBrowser: true }, /can be opened/],
  ['WSL', at('wsl', true), {}, { method: 'browser', opensBrowser: true }, /WSL.*Windows/],
  ['SSH', at('ssh', false), {}, { method: 'device' }, /SSH session/],
  ['SSH with a helper', at('ssh', true), {}, { method: 'browser', opensBrowser: true }, /SSH session/],
  ['a container', at('container', false), {}, { method: 'device' }, /container/],
  ['no display', at('headless', false), {}, { method: 'device' }, /no display/],
  [
    'a desk, browser off',
    at('desk', true),
    { opensBrowser: false },
    { method: 'browser', opensBrowser: false },
    /CODEX_OAUTH_NO_BROWSER/,
  ],
  ['SSH, browser off', at('ssh', false), { opensBrowser: false }, { method: 'device' }, /SSH session/],
  ['a desk, device asked', at('desk', true), { method: 'device' }, { method: 'device', isAsked: true }, /asked for\./],
  [
    'SSH, browser asked',
    at('ssh', false),
    { method: 'browser' },
    { method: 'browser', opensBrowser: false, isAsked: true },
    /asked for\./,
  ],
])('%s', (_, surroundings, wish, expected, reason) => {
  const choice = choose(surroundings, wish)
  expect(choice).toMatchObject({ isAsked: false, ...expected })
  expect(choice.reason).toMatch(reason)
})
