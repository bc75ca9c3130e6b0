import { cleanRemote, fieldOf, listField, quoteRemote, textField } from './remote-text.ts'

/** A page that an answer was found on. */
export interface Source {
  title: string | undefined
  url: string
}

const MAX_SOURCES = 30
const MAX_URL = 2_000
const MAX_TITLE = 120
/** They tell the page who sent the reader, and the reader nothing. */
const TRACKING = /^(?:utm_\w+|gclid|fbclid|msclkid)(?:=|$)/i

/**
 * The pages behind an answer, from its finished items: first those that the text cites, in its order, then those that were
 * only searched. Each once, without fragments that tell two places of a page apart.
 */
export function sourcesIn(items: readonly unknown[]): Source[] {
  const sources = new Map<string, Source>()
  for (const found of [...items.flatMap(citationsOf), ...items.flatMap(searchedBy)]) {
    const url = cleanUrl(textField(found, 'url'))
    if (url === undefined) continue
    const place = url.replace(/#.*$/, '')
    const known = sources.get(place)
    if (known === undefined && sources.size === MAX_SOURCES) continue
    sources.set(place, { title: known?.title ?? cleanTitle(textField(found, 'title')), url: known?.url ?? url })
  }
  return [...sources.values()]
}

/** The sources as lines below an answer; none if there are none. */
export function sourceWords(sources: readonly Source[]): string[] {
  if (sources.length === 0) return []
  const lines = sources.map(({ title, url }, index) => `${index + 1}. ${title === undefined ? '' : `${title}: `}${url}`)
  return ['Sources:', ...lines]
}

/** What is being searched, for one who waits: the words in quotation marks, or the host of a page that is opened. */
export function searchWords(item: unknown): string | undefined {
  if (textField(item, 'type') !== 'web_search_call') return undefined
  const action = fieldOf(item, 'action')
  const words = [textField(action, 'query'), ...listField(action, 'queries'), textField(action, 'pattern')]
  const [first] = words.filter((word) => typeof word === 'string' && word.trim() !== '')
  if (typeof first === 'string') return quoteRemote(first, 80)
  const url = cleanUrl(textField(action, 'url'))
  return url === undefined ? undefined : new URL(url).host
}

function citationsOf(item: unknown): readonly unknown[] {
  if (textField(item, 'type') !== 'message') return []
  return listField(item, 'content')
    .filter((part) => textField(part, 'type') === 'output_text')
    .flatMap((part) => listField(part, 'annotations'))
    .filter((annotation) => textField(annotation, 'type') === 'url_citation')
}

/** They come only to those who ask for them with `include`. */
function searchedBy(item: unknown): readonly unknown[] {
  return textField(item, 'type') === 'web_search_call' ? listField(fieldOf(item, 'action'), 'sources') : []
}

/** An address that may be shown and opened; nothing for one that is not of the web. */
function cleanUrl(text: string | undefined): string | undefined {
  if (text === undefined || text.length > MAX_URL || !URL.canParse(text)) return undefined
  const url = new URL(text)
  if (!['https:', 'http:'].includes(url.protocol)) return undefined
  url.username = ''
  url.password = ''
  // By hand, because a URLSearchParams writes the parameters that stay anew.
  const parameters = url.search.slice(1).split('&')
  url.search = parameters.filter((parameter) => !TRACKING.test(parameter)).join('&')
  if (url.hash.startsWith('#:~:')) url.hash = ''
  // The characters of Markdown that an address may hold as they are and a host would act on; a host of IPv6 keeps its brackets.
  const path = url.href.slice(url.origin.length)
  return `${url.origin}${path.replace(/[`|[\]]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`)}`
}

/** Also without the marks of Markdown that a host would act on. */
function cleanTitle(text: string | undefined): string | undefined {
  const plain = (text ?? '')
    .slice(0, 10 * MAX_TITLE)
    .replace(/<[^<>]*>/g, ' ')
    .replace(/[[\]*|\\]/g, '')
  return cleanRemote(plain, MAX_TITLE) || undefined
}
