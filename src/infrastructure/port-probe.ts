import { createServer } from 'node:net'
import { errnoOf } from './errno.ts'

/** What trying to listen on a port showed; `absent`: the machine has no such address. */
export interface PortState {
  host: '127.0.0.1' | '::1'
  state: 'free' | 'taken' | 'absent' | 'refused'
  /** The system's code, where it is not free. */
  code: string | undefined
}

/**
 * Whether `port` could be listened on now, on both loopback addresses; port 0 asks for the addresses alone. Nobody is
 * spoken to, and what was opened is closed again. Never rejects.
 */
export async function probePort(port: number): Promise<PortState[]> {
  // One after the other, as the listener of a sign-in does it.
  return [await probe('127.0.0.1', port), await probe('::1', port)]
}

function probe(host: PortState['host'], port: number): Promise<PortState> {
  return new Promise((resolve) => {
    const server = createServer((socket) => void socket.destroy())
    server.once('error', (error) => {
      const code = errnoOf(error)
      resolve({ host, state: STATES[code ?? ''] ?? 'refused', code })
    })
    server.listen({ port, host, exclusive: true }, () =>
      server.close(() => resolve({ host, state: 'free', code: undefined })),
    )
  })
}

const STATES: Readonly<Record<string, PortState['state']>> = {
  EADDRINUSE: 'taken',
  EADDRNOTAVAIL: 'absent',
  EAFNOSUPPORT: 'absent',
}
