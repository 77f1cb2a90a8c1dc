/** An error reply of the server begins with a code in capitals: `LOADING Redis is loading the dataset in memory`. */
const REPLY_CODE = /^([A-Z][A-Z0-9]+) /

export const codeOf = (error: unknown): string | undefined => REPLY_CODE.exec(messageOf(error))?.[1]

/** Transient states: a start, a failover, resharding, a slow script, a failed snapshot, missing replicas. */
const TRANSIENT = new Set([
  ...['LOADING', 'READONLY', 'MASTERDOWN', 'MISCONF', 'BUSY', 'NOREPLICAS'],
  ...['CLUSTERDOWN', 'TRYAGAIN', 'MOVED', 'ASK'],
])

/** Errors of commands that the driver did not send: the classes of node-redis, the message of ioredis. */
const UNSENT = /^Client(Closed|Offline)Error$|enableOfflineQueue/

export interface Failure {
  /** The driver did not send the command. */
  unsent: boolean
  /** The command may have been executed. After an error reply it was not, because scripts write once and last. */
  maybeExecuted: boolean
  /** Another try may succeed. */
  transient: boolean
}

export function failureOf(error: unknown): Failure {
  const code = codeOf(error)
  if (code !== undefined) return { unsent: false, maybeExecuted: false, transient: TRANSIENT.has(code) }
  const unsent = UNSENT.test(`${(error as Error | null)?.name}`) || UNSENT.test(messageOf(error))
  return { unsent, maybeExecuted: !unsent, transient: true }
}

/** The first line of the message. */
export function messageOf(error: unknown): string {
  const { message = String(error) } = (error ?? {}) as { message?: string }
  return message.split('\n', 1)[0]!
}
