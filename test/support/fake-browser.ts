export interface BrowserOptions {
  /** The user says no: `true` for access_denied, or the error the issuer sends back. */
  deny?: true | { error: string; description?: string }
  /** Changes the address the browser is sent back to, e.g. its `state`. */
  edit?: (callback: URL) => void
}

export interface BrowserVisit {
  /** Of the callback page, or of the authorize page if that sent the browser nowhere. */
  status: number
  headers: Headers
  body: string
  /** Where the issuer sent the browser. */
  redirectedTo: URL | undefined
}

/** A browser without a window: opens the authorize address and goes where it is sent. */
export async function browse(url: string, { edit }: Pick<BrowserOptions, 'edit'> = {}): Promise<BrowserVisit> {
  const page = await fetch(url, { redirect: 'manual' })
  const location = page.headers.get('location')
  if (location === null) return visitOf(page, undefined)
  await page.body?.cancel()
  const callback = new URL(location)
  edit?.(callback)
  return visitOf(await fetch(callback, { redirect: 'manual' }), callback)
}

async function visitOf(response: Response, redirectedTo: URL | undefined): Promise<BrowserVisit> {
  return { status: response.status, headers: response.headers, body: await response.text(), redirectedTo }
}
