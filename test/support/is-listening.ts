import { connect } from 'node:net'

/** Whether somebody listens on this port of one of the loopback addresses. */
export async function isListening(port: number): Promise<boolean> {
  const answers = ['127.0.0.1', '::1'].map(
    (host) =>
      new Promise<boolean>((resolve) => {
        const socket = connect({ port, host }, () => {
          socket.destroy()
          resolve(true)
        })
        socket.once('error', () => resolve(false))
      }),
  )
  return (await Promise.all(answers)).includes(true)
}
