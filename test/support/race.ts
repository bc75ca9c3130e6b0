import { killDelegators } from './race-delegation.ts'
import { killAnybody, killHolders } from './race-kills.ts'
import { deadToken, outage } from './race-outage.ts'
import { signOutMeanwhile, switchMeanwhile } from './race-people.ts'
import type { RaceResult } from './race-result.ts'
import { shutdown } from './race-shutdown.ts'
import { bothLogins, freeze, margin, storm } from './race-storm.ts'

type Races = Readonly<Record<string, () => Promise<RaceResult>>>

/** What the reliability gates ask for (facts: reliability 1.2): some minutes. */
export const FULL_RACES: Races = {
  'forced expiry': () => storm({ processes: 16, rounds: 50 }),
  'forced expiry (encrypted)': () => storm({ processes: 16, rounds: 50, store: 'encrypted' }),
  'forced expiry (keychain)': () => storm({ processes: 16, rounds: 50, store: 'keychain' }),
  'renewal ahead of time': () => margin({ processes: 16, rounds: 20 }),
  'holder killed before it sends': () => killHolders({ processes: 16, kills: 50, withinMs: 3000 }),
  'killed after delegating': () => killDelegators({ processes: 16, rounds: 60 }),
  'killed after delegating (plan)': () => killDelegators({ route: 'plan', processes: 16, rounds: 60 }),
  'random kills': () => killAnybody({ processes: 16, rounds: 100 }),
  'holder frozen': () => freeze({ processes: 16, forMs: [12_000, 12_000, 35_000] }),
  'issuer down (503)': () => outage({ processes: 16, fault: '503', forMs: 20_000, mostRequests: 6 }),
  'issuer down (html)': () => outage({ processes: 16, fault: 'html', forMs: 20_000, mostRequests: 6 }),
  'issuer down (garbage)': () => outage({ processes: 16, fault: 'garbage', forMs: 20_000, mostRequests: 6 }),
  'dead token': () => deadToken({ processes: 16, forMs: 3000 }),
  'sign-out during a refresh': () => signOutMeanwhile({ processes: 16, rounds: 10 }),
  'account switch during a refresh': () => switchMeanwhile({ processes: 16, rounds: 10 }),
  'SIGTERM during a refresh': () => shutdown({ how: 'SIGTERM', rounds: 10, refreshMs: 300, withinMs: 450 }),
  'SIGINT during a refresh': () => shutdown({ how: 'SIGINT', rounds: 10, refreshMs: 300, withinMs: 450 }),
  'EOF during a refresh': () => shutdown({ how: 'EOF', rounds: 10, refreshMs: 300, withinMs: 2000 }),
  'forced expiry (plan)': () => storm({ route: 'plan', processes: 16, rounds: 20 }),
  'forced expiry (plan, encrypted)': () => storm({ route: 'plan', processes: 16, rounds: 20, store: 'encrypted' }),
  'forced expiry (plan, keychain)': () => storm({ route: 'plan', processes: 16, rounds: 20, store: 'keychain' }),
  'renewal ahead of time (plan)': () => margin({ route: 'plan', processes: 16, rounds: 20 }),
  'holder killed before it sends (plan)': () =>
    killHolders({ route: 'plan', processes: 16, kills: 50, withinMs: 3000 }),
  'random kills (plan)': () => killAnybody({ route: 'plan', processes: 16, rounds: 100 }),
  'holder frozen (plan)': () => freeze({ route: 'plan', processes: 16, forMs: [12_000, 35_000] }),
  'issuer down (plan)': () => outage({ route: 'plan', processes: 16, fault: '503', forMs: 20_000, mostRequests: 6 }),
  'dead token (plan)': () => deadToken({ route: 'plan', processes: 16, forMs: 3000 }),
  'sign-out during a refresh (plan)': () => signOutMeanwhile({ route: 'plan', processes: 16, rounds: 10 }),
  'SIGTERM during a refresh (plan)': () =>
    shutdown({ route: 'plan', how: 'SIGTERM', rounds: 10, refreshMs: 300, withinMs: 450 }),
  'EOF during a refresh (plan)': () =>
    shutdown({ route: 'plan', how: 'EOF', rounds: 10, refreshMs: 300, withinMs: 2000 }),
  'codex and plan at once': () => bothLogins({ processes: 16, rounds: 20 }),
  'codex and plan at once (encrypted)': () => bothLogins({ processes: 16, rounds: 20, store: 'encrypted' }),
  'codex and plan at once (keychain)': () => bothLogins({ processes: 16, rounds: 20, store: 'keychain' }),
}

/**
 * The same races, short enough for every change, and long enough to fail without the claim or the compare. How fast
 * a server answers or ends is for the long form to judge: these share the machine with all other tests.
 */
export const SHORT_RACES: Races = {
  'forced expiry': () => storm({ processes: 6, rounds: 8 }),
  'forced expiry (encrypted)': () => storm({ processes: 4, rounds: 4, store: 'encrypted' }),
  'forced expiry (keychain)': () => storm({ processes: 4, rounds: 4, store: 'keychain' }),
  'renewal ahead of time': () => margin({ processes: 4, rounds: 3 }),
  'holder killed before it sends': () => killHolders({ processes: 4, kills: 3, withinMs: 20_000 }),
  'killed after delegating': () => killDelegators({ processes: 4, rounds: 6 }),
  'killed after delegating (keychain)': () => killDelegators({ processes: 1, rounds: 3, store: 'keychain' }),
  'killed after delegating (plan, encrypted)': () =>
    killDelegators({ route: 'plan', processes: 4, rounds: 3, store: 'encrypted' }),
  'random kills': () => killAnybody({ processes: 5, rounds: 4 }),
  'holder frozen': () => freeze({ processes: 4, forMs: [2500] }),
  'issuer down (503)': () => outage({ processes: 3, fault: '503', forMs: 800, mostRequests: 3 }),
  'issuer down (html)': () => outage({ processes: 3, fault: 'html', forMs: 800, mostRequests: 3 }),
  'issuer down (garbage)': () => outage({ processes: 3, fault: 'garbage', forMs: 800, mostRequests: 3 }),
  'dead token': () => deadToken({ processes: 6, forMs: 600 }),
  'sign-out during a refresh': () => signOutMeanwhile({ processes: 4, rounds: 2 }),
  'account switch during a refresh': () => switchMeanwhile({ processes: 4, rounds: 2 }),
  'SIGTERM during a refresh': () => shutdown({ how: 'SIGTERM', rounds: 1, refreshMs: 100, withinMs: 2000 }),
  'SIGINT during a refresh': () => shutdown({ how: 'SIGINT', rounds: 1, refreshMs: 100, withinMs: 2000 }),
  'EOF during a refresh': () => shutdown({ how: 'EOF', rounds: 1, refreshMs: 100, withinMs: 4000 }),
  'forced expiry (plan)': () => storm({ route: 'plan', processes: 6, rounds: 6 }),
  'holder killed before it sends (plan)': () =>
    killHolders({ route: 'plan', processes: 4, kills: 2, withinMs: 20_000 }),
  'random kills (plan)': () => killAnybody({ route: 'plan', processes: 5, rounds: 3 }),
  'dead token (plan)': () => deadToken({ route: 'plan', processes: 6, forMs: 600 }),
  'sign-out during a refresh (plan)': () => signOutMeanwhile({ route: 'plan', processes: 4, rounds: 2 }),
  'SIGTERM during a refresh (plan)': () =>
    shutdown({ route: 'plan', how: 'SIGTERM', rounds: 1, refreshMs: 100, withinMs: 2000 }),
  'codex and plan at once': () => bothLogins({ processes: 6, rounds: 4 }),
  'codex and plan at once (encrypted)': () => bothLogins({ processes: 4, rounds: 3, store: 'encrypted' }),
}
