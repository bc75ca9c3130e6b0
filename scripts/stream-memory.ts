// Has the built server read one long stream and prints how much more memory it needed: `npm run test:memory`.
// Another size in MB may stand behind it. Ends with 1 above the bound.
import { ensureBuilt } from '../test/support/ensure-built.ts'
import { SERVER_FILE } from '../test/support/race-server.ts'
import { measureStream, memoryWords } from '../test/support/stream-memory.ts'

const MIB = 1_048_576
/** A few times the text of the answer, which has to be there as a whole in the end, and nothing of the rest. */
const BOUND_MIB = 48

ensureBuilt()
const megabytes = Number(process.argv[2] ?? 200)
const measured = await measureStream(SERVER_FILE, megabytes * MIB)
console.log(memoryWords(measured))
if (measured.more > BOUND_MIB * MIB) process.exitCode = 1
