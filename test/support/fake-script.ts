import type { Asker } from './fake-reasoning.ts'
import type { SeenRequest } from './fake-request.ts'

/** Text, bytes, or pieces that come when they come (see `parts`). */
export type Body = string | Uint8Array | AsyncIterable<string | Uint8Array>

/**
 * An HTTP answer and the way it travels. One of `json`, `html`, `sse` and `bytes` is the body; its content type can
 * be overruled in `headers`.
 */
export interface Answer {
  /** 200 unless told. */
  status?: number
  headers?: Record<string, string | string[]>
  json?: unknown
  html?: string
  sse?: Body
  bytes?: Body
  /** Writes end at these byte offsets. */
  splitAt?: readonly number[]
  /** One byte at a time, this many milliseconds apart. */
  dripMs?: number
  /** The connection breaks after this many bytes of the body. */
  cutAfter?: number
  /** After the body nothing more comes, but the connection stays open. */
  silent?: true
  /** The connection is reset instead of any answer. */
  reset?: true
}

/**
 * What a request gets instead of the usual: a fixed answer, or a function of the usual one. Nothing happens at the
 * fake (no token rotates) until the function calls `usual`.
 */
export type Step = Answer | ((usual: () => Answer, request: SeenRequest) => Answer | Promise<Answer>)

/**
 * What an endpoint makes of a request: a refusal, or the usual answer, which the script may replace. With an asker, what
 * is sealed in the answer is theirs from then on.
 */
export type Verdict = { refusal: Answer } | { usual: () => Answer; asker?: Asker }

/** An endpoint: what it makes of a request, and what a test has planned for it. */
export interface Route {
  judge: (request: SeenRequest) => Verdict
  script: ReturnType<typeof createScript>
}

/** The next answers of one endpoint. A request that is refused for its shape or its token takes no step. */
export interface Script {
  /** One request each, in order. */
  push(...steps: Step[]): void
  /** For every request that finds no pushed step; `undefined` goes back to the usual answer. */
  always(step: Step | undefined): void
  /** How many pushed steps are not used yet. */
  readonly left: number
}

export function createScript(): Script & { next(): Step | undefined } {
  const steps: Step[] = []
  let fallback: Step | undefined
  return {
    push: (...more) => {
      steps.push(...more)
    },
    always: (step) => {
      fallback = step
    },
    next: () => steps.shift() ?? fallback,
    get left() {
      return steps.length
    },
  }
}

export interface Gate {
  promise: Promise<void>
  open: () => void
}

/** A promise the test opens: what waits for it needs no sleeping. */
export function gate(): Gate {
  let open = () => {}
  const promise = new Promise<void>((resolve) => {
    open = resolve
  })
  return { promise, open }
}

/** First the wait, then the step, or else what the fake usually does. */
export function after(wait: PromiseLike<unknown>, step: Step = (usual) => usual()): Step {
  return async (usual, request) => {
    await wait
    return typeof step === 'function' ? step(usual, request) : step
  }
}

/** The fake does its part at once (the token rotates), its answer comes only after the wait. */
export function late(wait: PromiseLike<unknown>): Step {
  return async (usual) => {
    const answer = usual()
    await wait
    return answer
  }
}

/** The fake does its part (the token rotates), and the answer never arrives. */
export const lost: Step = (usual) => {
  usual()
  return { reset: true }
}

/** The usual JSON answer with other fields; `undefined` leaves a field out. */
export function changed(fields: Readonly<Record<string, unknown>>): Step {
  return (usual) => {
    const answer = usual()
    return { ...answer, json: { ...(answer.json as object), ...fields } }
  }
}

/** A body in pieces, each sent by itself; a promise among them holds up what follows. */
export function parts(...pieces: readonly (string | Uint8Array | PromiseLike<unknown>)[]): Body {
  return {
    async *[Symbol.asyncIterator]() {
      for (const piece of pieces) {
        if (typeof piece === 'string' || piece instanceof Uint8Array) yield piece
        else await piece
      }
    },
  }
}
