/** What the stores are told besides where they are. */
export interface StoreOptions {
  /** How long the receiver waits for one operation. */
  storeTimeoutMs: number
  /** The longest that a handler may work, its commit included. */
  longestAttemptMs: number
  redisPrefix: string
  redisAllowEviction: boolean
  postgresSchema: string
  /** A connection string, or `off`; without it a connection of the pool listens. */
  postgresListenUrl: string | undefined
  postgresPoolSize: number
}
