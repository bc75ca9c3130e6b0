/** Whom a sign-in is for before this installation is registered (facts: plan-usage 2.1). Nothing is redeemed with it. */
export const BOOTSTRAP_CLIENT = 'dynamic_agent_client'

/**
 * Whether `value` can be the client id this installation was given. Those seen begin with `oaiapp_`, which nobody
 * promises, and peers ask for less: what counts is that it fits into an address and a form (facts: plan-usage 2.1).
 */
export function isIssuedClient(value: string): boolean {
  return /^[A-Za-z0-9_-]{1,200}$/.test(value) && value !== BOOTSTRAP_CLIENT
}
