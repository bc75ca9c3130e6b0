import type { PlanPerson } from './fake-plan-options.ts'

/** What one user has allowed one installation, in one workspace. */
export interface Registration {
  readonly clientId: string
  readonly subject: string
  readonly workspace: string
  /** Whether the user lets it use the plan. */
  plan: boolean
  deleted: boolean
}

export type Registrations = ReturnType<typeof createRegistrations>

/** Every client id the issuer has given out. Somebody who registers twice has two. */
export function createRegistrations() {
  const all: Registration[] = []
  let declining = false
  return {
    all: all as readonly Registration[],

    register({ subject, workspace }: PlanPerson): Registration {
      const clientId = `oaiapp_FAKE${all.length + 1}`
      const registration = { clientId, subject, workspace, plan: !declining, deleted: false }
      all.push(registration)
      return registration
    },

    find(clientId: string | null | undefined): Registration | undefined {
      return all.find((registration) => registration.clientId === clientId)
    },

    /** The user says no to the plan, for every registration there is and those to come, until `consent`. */
    declinePlan(): void {
      declining = true
      for (const registration of all) registration.plan = false
    },

    /** Asked again, the user says yes. */
    consent(registration: Registration): void {
      declining = false
      registration.plan = true
    },
  }
}
