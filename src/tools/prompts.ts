import * as z from 'zod'
import { definePrompt, enclosed, type Prompt } from './prompt.ts'
import { VERDICT_SCHEMA } from './verdict-schema.ts'

const MAX_CHARACTERS = 1_000_000

/** Forms of some clients send an empty text for what was left out. */
const optionalText = () => z.string().trim().max(MAX_CHARACTERS).optional()

/** What Codex is asked about a diff. */
export const REVIEW_QUESTION =
  'Review this change as a colleague who has to live with it. Look for what is wrong: faults, lost data, security, ' +
  'races, broken callers, missing tests. Judge the change, not the code around it. Report only what the diff or the ' +
  'files shown prove, each finding once, with file and line; leave out praise and matters of taste. No findings is a ' +
  'good answer.'

const FILES =
  'Files it is about go into `files` (paths, patterns, `notes.md:10-80`, images), a change into `diff` (`working`, ' +
  '`staged`, `main..HEAD`): the server reads them. Do not read or paste them first, and do not check the status first.'

const SHOW =
  'Show the answer under the heading **Codex**, word for word, with the lines below it. Do not shorten or correct it; a ' +
  'remark of your own comes after it and is marked as yours.'

const FAILED =
  'If the call fails, say what the error says. On `NOT_AUTHENTICATED`, offer to sign me in with `codex_login`, and ask ' +
  'again afterwards. On `USAGE_LIMIT` or `PLAN_REQUIRED`, show the error and its address and stop; never switch to ' +
  'another login or key. If the answer is marked "INCOMPLETE ANSWER", is still being written, or says where the rest is, ' +
  'do what stands there; `collect` with its id gets an answer also after a call that was cancelled or timed out, so do ' +
  "not ask again before that. Never make up an answer on Codex's behalf."

const ask = definePrompt({
  name: 'ask',
  title: 'Ask Codex',
  description: 'Ask OpenAI Codex a question and see its answer as Codex wrote it',
  input: () =>
    z.strictObject({
      question: z.string().trim().min(1).max(MAX_CHARACTERS).describe('What Codex is asked'),
    }),
  write: ({ question }) => `Ask OpenAI Codex this question for me:

${enclosed('question', question)}

1. Some clients pass only the first word on. If this is no whole question, ask me for it first.
2. Call \`codex_query\` once, with the question as \`prompt\`, in my own words. Codex does not see this conversation: when the question refers to something said here, add exactly that. ${FILES} Set \`model\` or \`reasoning_effort\` only if I named one.
3. ${SHOW}
4. ${FAILED}`,
})

const secondOpinion = definePrompt({
  name: 'second-opinion',
  title: 'Second opinion from Codex',
  description: 'Ask OpenAI Codex what it thinks of what was just discussed or decided, and compare',
  input: () =>
    z.strictObject({
      topic: optionalText().describe('What it is about; left out: what was just discussed or decided'),
    }),
  write: ({ topic = '' }) => `Get a second opinion from OpenAI Codex for me on ${
    topic === '' ? 'what we have just discussed or decided.' : `this:\n\n${enclosed('topic', topic)}`
  }

1. Write a prompt that can be understood without this conversation: the question, the facts and constraints, what was considered, what was decided and why. Ask for its own judgement and its strongest objections, not for agreement; no secrets.
2. Call \`codex_query\` once with it. ${FILES}
3. ${SHOW}
4. Then say, under a heading of your own, where you agree with Codex, where you differ and why. Check what it claims about the code against the code.
5. ${FAILED}`,
})

const review = definePrompt({
  name: 'review',
  title: 'Review by Codex',
  description: 'Have OpenAI Codex review the changes in the working tree',
  input: () =>
    z.strictObject({
      focus: optionalText().describe('What to look at in particular'),
    }),
  write: ({ focus = '' }) => `Have OpenAI Codex review the changes in my working tree.

1. Call \`codex_query\` once, and read no file and no diff before it: the server reads the changes.
   - \`diff\`: \`working\`
   - \`prompt\`: the text between the tags below${focus === '' ? '' : ', then what I want it to look at in particular'}
   - \`output_schema\`: ${JSON.stringify(VERDICT_SCHEMA)}

${enclosed('prompt', REVIEW_QUESTION)}
${focus === '' ? '' : `\n${enclosed('focus', focus)}\n`}
2. The answer is JSON. Show it as text, in Codex's words and leaving nothing out: the heading **Codex: approve**, **Codex: changes wanted** or **Codex: unsure** with the summary below it; then the findings, blockers first, then major, minor and nit, each with \`file:line\` (without a line: the file), its claim and its evidence; then the lines below the answer as they stand. Without findings, say that there are none. What is not that JSON is shown as it is.
3. Remarks of your own come after that and are marked as yours, such as which findings you have checked against the code and which you doubt. Change nothing before I say so.
4. ${FAILED} With nothing to review, say what the error says.`,
})

/** All prompts, in the order in which they are listed. */
export const PROMPTS: readonly Prompt[] = [ask, secondOpinion, review]
