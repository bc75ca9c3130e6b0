import { isRecord } from './fake-request.ts'
import type { Answer, Body } from './fake-script.ts'

/** Who asks, and whether for sealed reasoning: only who asks for it is sent any. */
export interface Asker {
  /** An account, whatever its credentials; an account of each route is one of its own. */
  account: string
  wantsReasoning: boolean
}

export type Seals = ReturnType<typeof createSeals>

const SEALED = /"encrypted_content":"([^"]+)"/g

export function askerOf(account: string, body: unknown): Asker {
  const include = isRecord(body) ? body.include : undefined
  return { account, wantsReasoning: Array.isArray(include) && include.includes('reasoning.encrypted_content') }
}

/** Which sealed reasoning was sent to whom. The service opens what it has given to the same account, and nothing else. */
export function createSeals() {
  const given = new Map<string, Set<string>>()

  function note(account: string, text: string): void {
    for (const [, content = ''] of text.matchAll(SEALED)) {
      given.set(content, (given.get(content) ?? new Set()).add(account))
    }
  }

  /** Whatever pieces a stream comes in, an event ends with its line. */
  function noted(account: string, pieces: AsyncIterable<string | Uint8Array>): Body {
    return {
      async *[Symbol.asyncIterator]() {
        let rest = ''
        const decoder = new TextDecoder()
        for await (const piece of pieces) {
          rest += typeof piece === 'string' ? piece : decoder.decode(piece, { stream: true })
          const end = rest.lastIndexOf('\n') + 1
          note(account, rest.slice(0, end))
          rest = rest.slice(end)
          yield piece
        }
      },
    }
  }

  function sent(body: Body, { account, wantsReasoning }: Asker): Body {
    if (typeof body !== 'string') return body instanceof Uint8Array ? body : noted(account, body)
    if (!wantsReasoning) return body.replace(SEALED, '"encrypted_content":null')
    note(account, body)
    return body
  }

  return {
    isGiven: (account: string, content: unknown): boolean => given.get(`${content}`)?.has(account) === true,

    /** The answer as this asker gets it. One that travels in measured pieces stays as it is. */
    send(asker: Asker, answer: Answer): Answer {
      const { sse, bytes, splitAt, cutAfter } = answer
      if (splitAt !== undefined || cutAfter !== undefined) return answer
      return {
        ...answer,
        ...(sse === undefined ? {} : { sse: sent(sse, asker) }),
        ...(bytes === undefined ? {} : { bytes: sent(bytes, asker) }),
      }
    },
  }
}
