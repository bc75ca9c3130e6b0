import { cleanRemote } from '../codex/remote-text.ts'

const MAX_WORDS = 80
/** What is looked at: more than can be shown, so that what is taken out can be replaced by what follows. */
const MAX_LOOK = 4000

/**
 * The first words of a question, on one line, for telling it from others later. People paste keys into questions: what
 * looks like one is left out, at the price of a hash or an id now and then.
 */
export function firstWords(prompt: string): string {
  const start = prompt.length > MAX_LOOK ? wholeWords(prompt.slice(0, MAX_LOOK)) : prompt
  const words = start
    .replace(/\/\/[^\s/@]+@/g, '//[hidden]@')
    .replace(/[\w+/=]{20,}/g, (run) => (isLikeAKey(run) ? '[hidden]' : run))
  return cleanRemote(words, MAX_WORDS)
}

/** Half a token may no longer look like one. */
function wholeWords(text: string): string {
  return text.split(/\s+/).slice(0, -1).join(' ')
}

/** Letters and digits in one: no word of a language. With slashes it may still be a path. */
function isLikeAKey(run: string): boolean {
  const isMixed = /\d/.test(run) && /[a-z]/i.test(run)
  return isMixed && (!run.includes('/') || (/[a-z]/.test(run) && /[A-Z]/.test(run)))
}
