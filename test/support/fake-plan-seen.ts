/** What the issuer of the plan saw, in order of arrival, refused requests too. */
export interface PlanSeen {
  /** The parameters of each authorize request. */
  authorizations: Record<string, string>[]
  /** Grant types of the token requests. */
  grants: string[]
  revocations: { token: string; clientId: string; known: boolean }[]
  /** Refresh tokens presented again: each has cost its family its life. */
  readonly reuses: number
}

/** An empty record; `reuses` is asked of the issuer's books. */
export function createPlanSeen(reuses: () => number): PlanSeen {
  return {
    authorizations: [],
    grants: [],
    revocations: [],
    get reuses() {
      return reuses()
    },
  }
}
