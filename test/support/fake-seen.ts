import type { SeenRequest } from './fake-request.ts'

interface Revocation {
  token: string
  hint: string
  known: boolean
}

interface Refusal {
  path: string
  status: number
  why: string
}

/** All the fake saw, in order of arrival. */
export interface Seen {
  requests: SeenRequest[]
  /** Requests by path. */
  counts: Record<string, number>
  /** Grant types of token requests, refused ones too. */
  grants: string[]
  /** One for each refresh; a form carries none. */
  refreshReasons: (string | undefined)[]
  /** Refresh tokens presented again: each has cost its family its life. */
  readonly reuses: number
  revocations: Revocation[]
  /** Requests refused for their shape or their token. Empty means the client asked as the service wants it. */
  refusals: Refusal[]
  /** Answers whose client went away before they were whole. */
  aborted: number
}

/** An empty record; `reuses` is asked of the issuer's books. */
export function createSeen(reuses: () => number): Seen {
  return {
    requests: [],
    counts: {},
    grants: [],
    refreshReasons: [],
    get reuses() {
      return reuses()
    },
    revocations: [],
    refusals: [],
    aborted: 0,
  }
}
