import { expect, test } from 'vitest'
import { CodexError } from '../../../src/errors.ts'
import { createLog } from '../../../src/infrastructure/log.ts'
import { createPlanConfirmation } from '../../../src/services/plan/plan-confirmation.ts'
import { aRecord } from '../../support/token-records.ts'

function setUp(fails = false) {
  const confirmed: unknown[] = []
  const lines: string[] = []
  const log = createLog({ write: (line) => void lines.push(line), enabled: true })
  const confirm = async (registered: object) => {
    if (fails) throw new CodexError('STORAGE_LOCKED', 'Somebody holds it.')
    confirmed.push(registered)
  }
  return { confirmed, lines, onStored: createPlanConfirmation({ registration: { confirm }, log }) }
}

const LOGIN = aRecord({ clientId: 'oaiapp_FAKE-1', accountId: 'user-FAKE-1' })

test('the client of a stored login becomes that of the installation, with whose it is', async () => {
  const { confirmed, onStored } = setUp()
  await onStored(LOGIN)
  expect(confirmed).toEqual([{ clientId: 'oaiapp_FAKE-1', subject: 'user-FAKE-1' }])
})

test.each([{ clientId: undefined }, { accountId: undefined }])('half of it is nothing: %j', async (changes) => {
  const { confirmed, onStored } = setUp()
  await onStored({ ...LOGIN, ...changes })
  expect(confirmed).toEqual([])
})

test('a login is one even if that fails; the log says so, without a client', async () => {
  const { lines, onStored } = setUp(true)
  await onStored(LOGIN)
  expect(lines.join()).toMatch(/registration_not_kept.*STORAGE_LOCKED/)
  expect(lines.join()).not.toContain('FAKE')
})
