/** The pages a browser shows at the end of a sign-in: no script, nothing loaded, every inserted word escaped. */

/** `what` has been reached, in a sentence. */
export function successPage(what = 'You are signed in to Codex.'): string {
  return page('Signed in', [what, 'You can close this window and go back to your editor.'])
}

/** `message` says what failed, `hint` what to do. */
export function failurePage(message: string, hint: string | undefined): string {
  return page('Not signed in', [message, hint ?? 'Go back to your editor and start again.'])
}

/** For a request that carries no valid answer to the sign-in that is open: it goes on waiting. */
export function strangerPage(): string {
  return page('Nothing to do here', ['This address does not belong to the sign-in that is open, or it has been used.'])
}

function page(title: string, paragraphs: readonly string[]): string {
  const body = paragraphs.map((text) => `<p>${escapeHtml(text)}</p>`).join('')
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)} – codex-oauth</title>
<style>
  :root { color-scheme: light dark }
  body { font: 1rem/1.6 system-ui, sans-serif; max-width: 32rem; margin: 20vh auto; padding: 0 1.5rem }
  h1 { font-size: 1.4rem; font-weight: 600 }
</style>
<h1>${escapeHtml(title)}</h1>
${body}
</html>
`
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
