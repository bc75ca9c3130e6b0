/** Sends one request and reports the status, or the code of the error: `asks <url> <header limit in ms>`. */
import { CodexError } from '../../../src/errors.ts'
import { createHttpClient } from '../../../src/infrastructure/http-client.ts'
import { finish } from './parent.ts'

const [url = '', limitMs = ''] = process.argv.slice(2)
const http = createHttpClient({ fetch, log: { event: () => {} } })

async function outcome(): Promise<number | string> {
  try {
    const { status } = await http.send({ method: 'POST', url, body: 'x', headerTimeoutMs: Number(limitMs) })
    return status
  } catch (error) {
    return error instanceof CodexError ? error.code : String(error)
  }
}
finish(await outcome())
