import { expect, test } from 'vitest'
import { SHORT_RACES } from '../support/race.ts'

/** Real servers over one credentials file, in short; `npm run test:races` is the long form. */
test.each(Object.entries(SHORT_RACES))(
  '%s: no token spent twice, no login lost',
  async (_, race) => {
    const { missed } = await race()
    expect(missed).toEqual([])
  },
  60_000,
)
