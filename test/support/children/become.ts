/**
 * Goes on as the user in `CHILD_UID`, if one is named. Only once all code is loaded, also what is imported late:
 * that user may not be able to read this checkout.
 */
export async function becomePlainUser(): Promise<void> {
  if (!process.env.CHILD_UID) return
  const uid = Number(process.env.CHILD_UID)
  await Promise.all([import('proper-lockfile'), import('../../../src/infrastructure/token-text.ts')])
  process.setgroups?.([])
  process.setgid?.(uid)
  process.setuid?.(uid)
}
