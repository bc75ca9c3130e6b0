import { readdirSync, readFileSync, watch } from 'node:fs'
import { join } from 'node:path'

const CLAIM = /\.spend\.[0-9a-f]{20}\.([1-9]\d*)$/

/** The pid in the next claim, of these numbers, that appears beside the credentials file, as soon as it does. */
export function nextClaim(folder: string, numbers: RegExp = /./): Promise<number> {
  return new Promise((resolve, reject) => {
    const watcher = watch(folder, (_, name) => {
      const [, number] = CLAIM.exec(name ?? '') ?? []
      if (name === null || number === undefined || !numbers.test(number)) return
      const pid = ownerOf(join(folder, name))
      if (pid === undefined) return
      clearTimeout(limit)
      watcher.close()
      resolve(pid)
    })
    const limit = setTimeout(() => {
      watcher.close()
      reject(new Error('nobody has claimed the token'))
    }, 30_000)
  })
}

function ownerOf(claim: string): number | undefined {
  try {
    return JSON.parse(readFileSync(claim, 'utf8')).pid
  } catch {
    // It has been removed again.
    return undefined
  }
}

/** The pid in the last claim beside the credentials file, if there is one. */
export function lastOwner(folder: string): number | undefined {
  const numberOf = (name: string) => Number(CLAIM.exec(name)?.[1] ?? 0)
  const last = readdirSync(folder).sort((a, b) => numberOf(b) - numberOf(a))[0]
  return last === undefined || numberOf(last) === 0 ? undefined : ownerOf(join(folder, last))
}
