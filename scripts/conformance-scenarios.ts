/** Which of the suite's server scenarios are asked of what, and why the others are not. */

export type Revision = '2025-11-25' | '2026-07-28'

/** `server` is the built file as it is; `fixture` the same parts with the tools that the suite calls by name. */
export interface Subject {
  scenario: string
  revision: Revision
  subject: 'server' | 'fixture'
}

const both = ['2025-11-25', '2026-07-28'] as const

function asked(subject: Subject['subject'], revisions: readonly Revision[], scenarios: readonly string[]): Subject[] {
  return revisions.flatMap((revision) => scenarios.map((scenario) => ({ scenario, revision, subject })))
}

export const APPLYING: readonly Subject[] = [
  ...asked('server', ['2025-11-25'], ['server-initialize', 'ping']),
  ...asked('server', both, ['tools-list', 'prompts-list']),
  ...asked('server', ['2026-07-28'], ['server-stateless', 'caching', 'input-required-result-unsupported-methods']),
  ...asked('fixture', both, ['tools-call-simple-text', 'tools-call-error', 'tools-call-with-progress']),
  ...asked(
    'fixture',
    ['2026-07-28'],
    [
      'server-stateless',
      'input-required-result-basic-elicitation',
      'input-required-result-basic-sampling',
      'input-required-result-basic-list-roots',
      'input-required-result-request-state',
      'input-required-result-multiple-input-requests',
      'input-required-result-multi-round',
      'input-required-result-missing-input-response',
      'input-required-result-non-tool-request',
      'input-required-result-result-type',
      'input-required-result-tampered-state',
      'input-required-result-capability-check',
      'input-required-result-validate-input',
    ],
  ),
]

const NO_RESOURCES = 'the server has no resources, and says so'
const NO_TASKS = 'the server offers no tasks, and says so'
const HTTP = 'about HTTP; the server speaks over stdio only'
const TEXT_ONLY = 'all results are text'
const OWN_PROMPTS = 'the prompts are part of the program, the suite asks for its own'
const NO_FORMS = 'the server asks for no forms'
const OWN_KEY = 'wants an input request under a name of its own; the names are for the server to choose'
const FIXTURE_TOOL = 'needs a tool of the suite; asked of the fixture'

/** Scenarios, and single checks of those that are asked, by the suite's names. */
export const NOT_APPLYING: Readonly<Record<string, string>> = {
  'server-session-lifecycle': HTTP,
  'server-sse-polling': HTTP,
  'server-sse-multiple-streams': HTTP,
  'dns-rebinding-protection': HTTP,
  'http-header-validation': HTTP,
  'http-custom-header-server-validation': HTTP,
  'logging-set-level': 'the server does not log over MCP, and says so',
  'tools-call-with-logging': 'the server does not log over MCP, and says so',
  'completion-complete': 'the server completes no arguments, and says so',
  'tools-call-image': TEXT_ONLY,
  'tools-call-audio': TEXT_ONLY,
  'tools-call-embedded-resource': TEXT_ONLY,
  'tools-call-mixed-content': TEXT_ONLY,
  'tools-call-sampling': 'the server does not ask the model of its client',
  'tools-call-elicitation': NO_FORMS,
  'elicitation-sep1034-defaults': NO_FORMS,
  'elicitation-sep1330-enums': NO_FORMS,
  'json-schema-2020-12': 'schemas are made from the checks they stand for; the suite brings one written by hand',
  'resources-list': NO_RESOURCES,
  'resources-read-text': NO_RESOURCES,
  'resources-read-binary': NO_RESOURCES,
  'resources-templates-read': NO_RESOURCES,
  'resources-subscribe': NO_RESOURCES,
  'resources-unsubscribe': NO_RESOURCES,
  'sep-2164-resource-not-found': NO_RESOURCES,
  'sep-2640-skills-directory': NO_RESOURCES,
  'sep-2640-skills-enumeration': NO_RESOURCES,
  'sep-2640-skills-manifest': NO_RESOURCES,
  'prompts-get-simple': OWN_PROMPTS,
  'prompts-get-with-args': OWN_PROMPTS,
  'prompts-get-embedded-resource': OWN_PROMPTS,
  'prompts-get-with-image': OWN_PROMPTS,
  'tasks-lifecycle': NO_TASKS,
  'tasks-capability-negotiation': NO_TASKS,
  'tasks-wire-fields': NO_TASKS,
  'tasks-request-state-removal': NO_TASKS,
  'tasks-mrtr-input': NO_TASKS,
  'tasks-request-headers': NO_TASKS,
  'tasks-dispatch-and-envelope': NO_TASKS,
  'tasks-status-notifications': NO_TASKS,
  'tasks-required-task-error': NO_TASKS,
  'tasks-mrtr-composition': NO_TASKS,
  'input-required-result-ignore-extra-params': OWN_KEY,
  'sep-2575-http-server-header-mismatch-400': HTTP,
  'sep-2322-elicitation-incomplete': OWN_KEY,
  'sep-2322-elicitation-complete': OWN_KEY,
  ResourcesListCachingHints: NO_RESOURCES,
  ResourcesTemplatesListCachingHints: NO_RESOURCES,
  'sep-2575-server-rejects-undeclared-capability@server': FIXTURE_TOOL,
  'sep-2575-missing-capability-http-400@server': FIXTURE_TOOL,
  'sep-2575-http-server-no-independent-requests-on-stream@server': FIXTURE_TOOL,
  'sep-2575-server-no-log-without-loglevel@server': FIXTURE_TOOL,
}
