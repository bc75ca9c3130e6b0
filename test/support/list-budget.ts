/**
 * How many characters the list of tools may have so that it costs a model less than 2,500 tokens. JSON like this has 4.1
 * characters to a token of o200k_base (counted: 8,073 are 1,956); other encodings make up to a fifth more of it.
 */
export const LIST_CHARACTERS = 2_500 * 3.4

/** All that a question takes (issue 5). */
export const QUERY_ARGUMENTS = [
  ...['prompt', 'model', 'system_prompt', 'temperature', 'reasoning_effort', 'conversation', 'files', 'diff'],
  ...['web_search', 'output_schema', 'background', 'collect'],
]
