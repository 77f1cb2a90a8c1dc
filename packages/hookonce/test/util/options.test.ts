import { ConfigurationError, createIdempotency, createInbox, createReceiver } from 'hookonce'
import { SENDERS } from 'hookonce/senders'
import { basic } from 'hookonce/senders/basic'
import { bearer } from 'hookonce/senders/bearer'
import { hmac } from 'hookonce/senders/hmac'
import { stripe } from 'hookonce/senders/stripe'
import { memoryStore } from 'hookonce/stores/memory'
import { postgresStore } from 'hookonce/stores/postgres'
import { redisStore } from 'hookonce/stores/redis'
import { sqliteStore } from 'hookonce/stores/sqlite'
import { expect, test } from 'vitest'

// As JavaScript, whose authors nobody else tells.
// biome-ignore lint/suspicious/noExplicitAny: that is what is tested
type Any = any
const untyped = <F>(run: F) => run as Any

const store = memoryStore()
const receiver = createReceiver({ store })
const handler = () => {}
const whole = (given: object) => untyped(createReceiver)({ store, ...given })
const source = (given: object) => untyped(receiver.source)({ name: 'orders', ...given })
const inbox = (given: object) => untyped(createInbox)({ receiver, handlers: { orders: { handler, ...given } } })

test.each<[string, () => unknown, string]>([
  ['a receiver of nothing', untyped(createReceiver), 'createReceiver needs an object with store, not undefined'],
  [
    'a receiver without a store',
    () => untyped(createReceiver)({}),
    'createReceiver: store is missing; it must be a store, e.g. sqliteStore(path)',
  ],
  [
    'a store that is none',
    () => whole({ store: './hookonce.db' }),
    'createReceiver: store must be a store, e.g. sqliteStore(path), not "./hookonce.db"',
  ],
  ['a store to come', () => whole({ store: Promise.resolve(store) }), 'not a promise'],
  [
    'a name in other letters',
    () => whole({ retentionMS: 1 }),
    'createReceiver has no option retentionMS; did you mean retentionMs?',
  ],
  [
    'a name that is nothing like one',
    () => whole({ colour: 1 }),
    'createReceiver has no option colour; there is retentionMs, ',
  ],
  ['what every object has', () => whole({ toString: 1 }), 'createReceiver has no option toString'],
  ['a duration as text', () => whole({ retentionMs: '1h' }), 'createReceiver: retentionMs must be a number, not "1h"'],
  [
    'a duration that is none',
    () => whole({ waitMs: Number.NaN }),
    'waitMs must be a number from 0 to 2147483647, not NaN',
  ],
  ['a listener that is none', () => whole({ onEvent: 'log' }), 'createReceiver: onEvent must be a function, not "log"'],
  [
    'a clock without hands',
    () => whole({ clock: { now: Date.now } }),
    'createReceiver: clock must be a clock, not an object',
  ],
  [
    'a sender by its name',
    () => source({ sender: 'stripe' }),
    'receiver.source: sender must be a sender, e.g. stripe({ secrets: [secret] }) of hookonce/senders/stripe, not "stripe"',
  ],
  ['a sender not yet made', () => source({ sender: stripe }), 'receiver.source: sender must be a sender'],
  [
    'recordable statuses',
    () => source({ recordable: [200] }),
    'receiver.source: recordable must be a function, not an array',
  ],
  [
    'a fingerprint by a field',
    () => source({ fingerprint: 'id' }),
    "receiver.source: fingerprint must be 'body' or 'none' or a function, not \"id\"",
  ],
  ['a source of nothing', () => untyped(receiver.source)(), 'receiver.source needs an object with name, not undefined'],
  [
    'a source by its name alone',
    () => untyped(receiver.source)('orders'),
    'receiver.source needs an object with name, not "orders"',
  ],
  ['a source with a store', () => source({ store }), 'receiver.source has no option store'],
  ['an inbox of nothing', untyped(createInbox), 'createInbox needs an object with receiver, handlers, not undefined'],
  [
    'an inbox of a source',
    () => untyped(createInbox)({ receiver: source({}), handlers: {} }),
    'createInbox: receiver must be a receiver made by createReceiver',
  ],
  [
    'an inbox without a handler',
    () => untyped(createInbox)({ receiver, handlers: { orders: {} } }),
    'createInbox: handlers.orders: handler is missing; it must be a function',
  ],
  [
    'an inbox whose handler is undefined',
    () => untyped(createInbox)({ receiver, handlers: { orders: undefined } }),
    'createInbox: handlers.orders needs an object with handler',
  ],
  [
    'retries of an inbox as one',
    () => inbox({ retryDelaysMs: 1000 }),
    'createInbox: handlers.orders: retryDelaysMs must be a list of pauses in milliseconds, not 1000',
  ],
  [
    'an option of another',
    () => inbox({ concurency: 2 }),
    'createInbox: handlers.orders has no option concurency; did you mean concurrency?',
  ],
  [
    'a source that an inbox does not have',
    () => inbox({}).source('order'),
    'the inbox has no source "order"; did you mean orders?',
  ],
  [
    'an inbox source that no delivery could name',
    () => untyped(createInbox)({ receiver, handlers: { 'a b': handler } }),
    'a source\'s name must be 1 to 255 visible ASCII characters, not "a b"',
  ],
  ['an engine of nothing', untyped(createIdempotency), 'createIdempotency needs an object with store'],
  [
    'an engine with rules of HTTP',
    () => untyped(createIdempotency)({ store, recordable: handler }),
    'createIdempotency has no option recordable',
  ],
  ['SQLite without a path', untyped(sqliteStore), 'sqliteStore needs the path of a file, not undefined'],
  [
    'SQLite, misspelled',
    () => untyped(sqliteStore)('x.db', { busyTimeout: 1 }),
    'sqliteStore has no option busyTimeout; did you mean busyTimeoutMs?',
  ],
  [
    'SQLite, half synchronous',
    () => untyped(sqliteStore)('x.db', { synchronous: 'off' }),
    "sqliteStore: synchronous must be 'full' or 'normal', not \"off\"",
  ],
  [
    'Redis without a place',
    untyped(redisStore),
    'redisStore needs a URL, Sentinels, nodes of a cluster, or a client of ioredis or redis',
  ],
  [
    'Redis, misspelled',
    () => untyped(redisStore)('redis://h', { prefx: 'a' }),
    'redisStore has no option prefx; did you mean prefix?',
  ],
  [
    'Redis with no flag',
    () => untyped(redisStore)('redis://h', { allowEviction: 'yes' }),
    'redisStore: allowEviction must be true or false, not "yes"',
  ],
  ['Postgres without a pool', untyped(postgresStore), 'postgresStore needs a pg.Pool or a connection string'],
  [
    'Postgres by options of a pool',
    () => untyped(postgresStore)({ connectionString: 'x' }),
    'postgresStore needs a pg.Pool or a connection string',
  ],
  [
    'Postgres, misspelled',
    () => untyped(postgresStore)('postgres://h/d', { shema: 'a' }),
    'postgresStore has no option shema; did you mean schema?',
  ],
  ['memory with an age', () => untyped(memoryStore)({ maxAge: 1 }), 'memoryStore has no option maxAge; there is clock'],
  [
    'a secret that is no list',
    () => untyped(stripe)({ secrets: 'whsec_hunter2' }),
    'stripe: secrets must be a list of texts; is an environment variable not set?',
  ],
  [
    'a secret in the singular',
    () => untyped(stripe)({ secret: 'whsec_hunter2' }),
    'stripe has no option secret; did you mean secrets?',
  ],
  [
    'an unset secret',
    () => untyped(stripe)({ secrets: [process.env.NO_SUCH_SECRET] }),
    'is an environment variable not set?',
  ],
  [
    'a tolerance as text',
    () => untyped(stripe)({ secrets: ['a long secret of a test'], toleranceMs: '5m' }),
    'stripe: toleranceMs must be a number, not "5m"',
  ],
  [
    'a place that is two',
    () => untyped(bearer)({ tokens: ['a long token of a test'], key: { header: 'a', field: 'b' } }),
    "bearer: key must be { header: 'name' } or { field: 'path.to.it' }",
  ],
  ['no credentials', () => untyped(basic)({}), 'basic: credentials is missing'],
  [
    'an algorithm that is unknown',
    () => untyped(hmac)({ secrets: ['a long secret of a test'], algorithm: 'md5' }),
    "hmac: algorithm must be 'sha1' or 'sha256' or 'sha512', not \"md5\"",
  ],
  [
    'a timestamp by its header alone',
    () => untyped(hmac)({ secrets: ['a long secret of a test'], timestamp: 'x-time' }),
    "hmac: timestamp must be { header: 'name' }",
  ],
])('%s is refused by name', (_, run, message) => {
  let error: unknown
  try {
    run()
  } catch (thrown) {
    error = thrown
  }
  expect(error).toBeInstanceOf(ConfigurationError)
  expect((error as Error).message).toContain(message)
  expect((error as Error).message).not.toContain('hunter2')
})

test.each([...SENDERS])('every option of the sender %s is known by name', async (name, kind) => {
  const module = await import(`hookonce/senders/${name}`)
  const factory = Object.values(module).find(each => typeof each === 'function') as Any
  expect(() => factory()).toThrow(`${name} needs an object`)
  expect(() => factory({ nothing: 1 })).toThrow(`${name} has no option nothing`)
  expect(kind.facts.name).toBe(name)
})

test('a value that is undefined says nothing', () => {
  expect(() => whole({ retentionMs: undefined, sender: undefined, onEvent: undefined })).not.toThrow()
})
