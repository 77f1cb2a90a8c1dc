/** What this store needs of a `pg` client that is checked out; `pg.PoolClient` is one. */
export interface PostgresClient {
  // biome-ignore lint/suspicious/noExplicitAny: rows are what the statement selects
  query(query: any, values?: any): Promise<{ rows: any[]; rowCount: number | null }>
  release(destroy?: boolean): void
  // biome-ignore lint/suspicious/noExplicitAny: what an event brings
  on(event: 'error' | 'end' | 'notification', listener: (value: any) => void): unknown
  removeListener(event: 'error', listener: (error: Error) => void): unknown
  getTransactionStatus(): 'I' | 'T' | 'E' | null
}

/** What this store needs of a `pg.Pool`. */
export interface PostgresPool {
  connect(callback: (error: Error | undefined, client: PostgresClient | undefined, done: never) => void): void
  on(event: 'error', listener: (error: Error) => void): unknown
  removeListener(event: 'error', listener: (error: Error) => void): unknown
  end(): Promise<void>
  options: { max: number }
}

/** What a pool hands out: `pg.PoolClient` for a `pg.Pool`. */
export type ClientOf<Pool extends PostgresPool> = Pool extends {
  connect(callback: (error: Error | undefined, client: infer Client | undefined, done: never) => void): void
}
  ? Client
  : PostgresClient
