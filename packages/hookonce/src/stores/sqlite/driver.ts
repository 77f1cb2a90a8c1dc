import { ConfigurationError } from '../../errors.js'

/** What is used of `node:sqlite`, which `@photostructure/sqlite` offers in the same shape. */
export interface Database {
  readonly isTransaction: boolean
  prepare(sql: string): Statement
  exec(sql: string): void
  close(): void
}

export interface Statement {
  run(...parameters: Value[]): { changes: number | bigint }
  get(...parameters: Value[]): unknown
  all(...parameters: Value[]): unknown[]
}

export type Value = string | number | null | Uint8Array

export interface Driver {
  DatabaseSync: new (path: string, options: { timeout: number }) => Database
}

export async function loadDriver(): Promise<Driver> {
  const [major = 0] = process.versions.node.split('.').map(Number)
  // Before Node 24, node:sqlite is missing, behind a flag, or without `timeout`.
  const name = major >= 24 ? 'node:sqlite' : '@photostructure/sqlite'
  try {
    return await import(name)
  } catch (cause) {
    throw new ConfigurationError(
      major >= 24
        ? `the sqlite store needs node:sqlite, which this build of Node ${process.versions.node} lacks (${cause})`
        : `the sqlite store needs Node 24 or the package @photostructure/sqlite: npm install @photostructure/sqlite (${cause})`,
    )
  }
}
