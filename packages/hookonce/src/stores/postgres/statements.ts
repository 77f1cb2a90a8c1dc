import { createHash } from 'node:crypto'
import { migrations, sql } from './sql.generated.js'

/** A statement for `pg`. Rows are arrays, which are cheaper than objects. */
export interface Statement {
  readonly name: string
  readonly text: string
  readonly rowMode: 'array'
}

export type Statements = { readonly [Name in keyof typeof sql]: Statement }

/** The statements for one schema. */
export function statementsFor(schema: string): Statements {
  const entries = Object.entries(sql).map(([name, text]) => [name, statement(name, inSchema(schema, text))])
  return Object.fromEntries(entries)
}

/** The migrations for one schema, oldest first. */
export function migrationsFor(schema: string): string[] {
  return migrations.map(text => inSchema(schema, text))
}

/** The channel that the statements notify, and the statement that listens on it. */
export function channelOf(schema: string): { name: string; listen: string } {
  const name = inSchema(schema, 'hookonce.records')
  return { name, listen: `LISTEN "${name.replaceAll('"', '""')}"` }
}

function statement(name: string, text: string): Statement {
  // A client caches statements by name, and two schemas or two versions of this library may share a client.
  const digest = createHash('sha256').update(text).digest('hex').slice(0, 12)
  return { name: `hookonce_${name}_${digest}`, text, rowMode: 'array' }
}

function inSchema(schema: string, text: string): string {
  return text.replaceAll('hookonce.', `"${schema}".`)
}
