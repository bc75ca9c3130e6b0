import { createHash } from 'node:crypto'
import type { PlanBooks, PlanFamily, PlanGrant } from './fake-plan-books.ts'
import type { TokenChange } from './fake-plan-keys.ts'
import type { PlanTokenSet } from './fake-plan-tokens.ts'

interface Code extends PlanGrant {
  redirectUri: string
  challenge: string
  nonce: string
  /** The family it was exchanged for: a second use revokes it. */
  spentOn?: PlanFamily
}

interface Proof {
  clientId: string
  redirectUri: string
  verifier: string
}

export type PlanCodes = ReturnType<typeof createPlanCodes>

/** The codes of the authorize page (RFC 6749, section 4.1.2; RFC 7636). Each works once. */
export function createPlanCodes(books: Pick<PlanBooks, 'startFamily' | 'rotate' | 'tokens'>) {
  const codes = new Map<string, Code>()
  return {
    create(code: Omit<Code, 'spentOn'>): string {
      const name = `ac_FAKE_plan_${codes.size + 1}`
      codes.set(name, code)
      books.tokens.add(name)
      return name
    },

    /** The tokens of a code, or why not. Using a code again revokes what it gave the first time. */
    redeem(name: string, proof: Proof, change: TokenChange | undefined): PlanTokenSet | string {
      const code = codes.get(name)
      if (code === undefined) return 'unknown code'
      if (code.spentOn !== undefined) {
        code.spentOn.revoked = true
        return 'code already used'
      }
      const mismatch = mismatchOf(code, proof)
      if (mismatch !== undefined) return mismatch
      code.spentOn = books.startFamily(code)
      return books.rotate(code.spentOn, { nonce: code.nonce, change })
    },
  }
}

function mismatchOf(code: Code, { clientId, redirectUri, verifier }: Proof): string | undefined {
  if (code.registration.clientId !== clientId) return 'the code is of another client'
  if (code.redirectUri !== redirectUri) return 'redirect_uri does not match'
  const challenge = createHash('sha256').update(verifier).digest('base64url')
  return challenge === code.challenge ? undefined : 'code_verifier does not match'
}
