/** The options of all stores. */
export interface StoreOptions {
  /** How long the receiver waits for one operation. */
  storeTimeoutMs: number
  /** The longest attempt of any source, its commit included. */
  longestAttemptMs: number
  redisPrefix: string
  redisAllowEviction: boolean
  postgresSchema: string
  /** A connection string, or `off`; `undefined`: a connection of the pool listens. */
  postgresListenUrl: string | undefined
  postgresPoolSize: number
}
