/** What the server itself answers begins with a code in capitals: `LOADING Redis is loading the dataset in memory`. */
const REPLY_CODE = /^([A-Z][A-Z0-9]+) /

export const codeOf = (error: unknown): string | undefined => REPLY_CODE.exec(messageOf(error))?.[1]

/** States that pass: a start, a failover, resharding, a slow script, a snapshot or a replica that is not there. */
const PASSING = new Set([
  ...['LOADING', 'READONLY', 'MASTERDOWN', 'MISCONF', 'BUSY', 'NOREPLICAS'],
  ...['CLUSTERDOWN', 'TRYAGAIN', 'MOVED', 'ASK'],
])

/** Drivers that did not even send: node-redis by its classes, ioredis by its words. */
const UNSENT = /^Client(Closed|Offline)Error$|enableOfflineQueue/

export interface Failure {
  /** Whether the driver did not even send the command. */
  unsent: boolean
  /** Whether the command may have been carried out. Scripts write once and last, so an error reply says no. */
  doubtful: boolean
  /** Whether asking again soon can help. */
  passing: boolean
}

export function failureOf(error: unknown): Failure {
  const code = codeOf(error)
  if (code !== undefined) return { unsent: false, doubtful: false, passing: PASSING.has(code) }
  const unsent = UNSENT.test(`${(error as Error | null)?.name}`) || UNSENT.test(messageOf(error))
  return { unsent, doubtful: !unsent, passing: true }
}

/** One line. */
export function messageOf(error: unknown): string {
  const { message = String(error) } = (error ?? {}) as { message?: string }
  return message.split('\n', 1)[0]!
}
