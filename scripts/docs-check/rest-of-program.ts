import type * as http from 'node:http'
import type * as hookonce from 'hookonce'
import type * as express from 'hookonce/adapters/express'
import type * as fetch from 'hookonce/adapters/fetch'
import type * as node from 'hookonce/adapters/node'
import type * as senders from 'hookonce/senders'
import type * as postgres from 'hookonce/stores/postgres'
import type { Pool } from 'pg'

type Effects = hookonce.Transactions<postgres.PostgresTransaction, 'async'>

/** What a block that is part of a program takes from the rest of it. */
declare global {
  const createReceiver: typeof hookonce.createReceiver
  const createInbox: typeof hookonce.createInbox
  const attemptOf: typeof express.attemptOf
  const idempotent: typeof express.idempotent
  const handleFetch: typeof fetch.handleFetch
  const handleNode: typeof node.handleNode
  const createServer: typeof http.createServer

  const receiver: hookonce.Receiver<Effects>
  const idempotency: hookonce.Idempotency<Effects>
  const attempt: hookonce.AttemptWith<Effects, unknown>
  const pool: Pool
  const store: ReturnType<typeof postgres.postgresStore>
  const sender: senders.Sender
  const handler: never
  // biome-ignore lint/suspicious/noExplicitAny: of no one framework
  const app: { post(path: string, ...handlers: (object | ((...given: any[]) => unknown))[]): void }

  const order: { id: string }
  const id: string
  const amount: number
  const currency: string
  const stripe: { charges: { create(charge: object, options: { idempotencyKey: string }): Promise<object> } }
  const log: { warn(fields: object, message: string): void }
  const histogram: { record(value: number, labels: object): void }
  function sendMail(mail: object, options: { idempotencyKey: string }): Promise<void>
}
