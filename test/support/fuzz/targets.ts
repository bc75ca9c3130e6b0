import type { FuzzTarget } from './target.ts'
import { CREDENTIALS_TARGETS } from './targets/credentials.ts'
import { KEPT_FILE_TARGETS } from './targets/kept-files.ts'
import { PROGRAM_TARGETS } from './targets/program.ts'
import { PROMPT_TARGETS } from './targets/prompts.ts'
import { SERVICE_TARGETS } from './targets/service.ts'
import { SIGN_IN_TARGETS } from './targets/sign-in.ts'
import { STREAM_TARGETS } from './targets/stream.ts'
import { USAGE_TARGETS } from './targets/usage.ts'

/** Everything that reads what others have written. */
export const FUZZ_TARGETS: readonly FuzzTarget[] = [
  ...STREAM_TARGETS,
  ...SIGN_IN_TARGETS,
  ...CREDENTIALS_TARGETS,
  ...KEPT_FILE_TARGETS,
  ...PROGRAM_TARGETS,
  ...SERVICE_TARGETS,
  ...USAGE_TARGETS,
  ...PROMPT_TARGETS,
]
