/** The part of a `pg.PoolClient` that the store uses. */
export interface PostgresClient {
  // biome-ignore lint/suspicious/noExplicitAny: rows depend on the statement
  query(query: any, values?: any): Promise<{ rows: any[]; rowCount: number | null }>
  release(destroy?: boolean): void
  // biome-ignore lint/suspicious/noExplicitAny: values depend on the event
  on(event: 'error' | 'end' | 'notification', listener: (value: any) => void): unknown
  removeListener(event: 'error', listener: (error: Error) => void): unknown
  getTransactionStatus(): 'I' | 'T' | 'E' | null
}

/** The part of a `pg.Pool` that the store uses. */
export interface PostgresPool {
  connect(callback: (error: Error | undefined, client: PostgresClient | undefined, done: never) => void): void
  on(event: 'error', listener: (error: Error) => void): unknown
  removeListener(event: 'error', listener: (error: Error) => void): unknown
  end(): Promise<void>
  options: { max: number }
}

/** The type of a pool's clients: `pg.PoolClient` for a `pg.Pool`. */
export type ClientOf<Pool extends PostgresPool> = Pool extends {
  connect(callback: (error: Error | undefined, client: infer Client | undefined, done: never) => void): void
}
  ? Client
  : PostgresClient
