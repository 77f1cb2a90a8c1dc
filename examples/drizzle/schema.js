import { integer, jsonb, pgTable, text } from 'drizzle-orm/pg-core'

export const payments = pgTable('payments', {
  id: integer().primaryKey().generatedAlwaysAsIdentity(),
  reference: text().notNull(),
  cents: integer().notNull(),
})

/** What is to be sent, for a process of its own that sends and deletes. */
export const outbox = pgTable('outbox', {
  id: integer().primaryKey().generatedAlwaysAsIdentity(),
  topic: text().notNull(),
  payload: jsonb().notNull(),
})
