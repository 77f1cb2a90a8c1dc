import { ConfigurationError } from '../../errors.js'
import { checkConnectionUrl } from '../../util/connection-url.js'
import { methods } from '../../util/options.js'
import type { FailNext, InboxStore } from '../inbox-store.js'
import { asFailure } from '../rules.js'
import { MAX_ERROR_LENGTH, type TransactionalStore } from '../store.js'
import { createAcceptances } from './accept.js'
import { createBatcher } from './batcher.js'
import { createClaims } from './claim.js'
import { type Completion, createCompletions } from './complete.js'
import { createConnections, within } from './connections.js'
import { Failure, failureOfConnection } from './errors.js'
import { createInbox } from './inbox.js'
import { createJournal } from './journal.js'
import { createWatcher } from './listen.js'
import { type PostgresStoreOptions, resolved } from './options.js'
import type { ClientOf, PostgresClient, PostgresPool } from './pool.js'
import { givenPool, openListener, ownPool } from './pool-source.js'
import { type Repeatable, retry } from './retry.js'
import { recordOf } from './rows.js'
import { createScans, ROWS_PER_PURGE_STEP } from './scans.js'
import { createMigrator } from './schema.js'
import { channelOf, statementsFor } from './statements.js'
import { createTransact } from './transact.js'

export { postgresMigrations } from './migrations.js'
export { type PostgresStoreOptions, postgresStoreDefaults } from './options.js'
export type { ClientOf, PostgresClient, PostgresPool } from './pool.js'

/** A store that is an inbox too, and whose attempts can write their effects in the transaction of their result. */
export type PostgresStore<Client> = TransactionalStore<Client, 'async'> & InboxStore

/** What work writes with if the store made the pool. */
export interface PostgresTransaction {
  // biome-ignore lint/suspicious/noExplicitAny: rows depend on the statement
  query<Row = any>(text: string, values?: readonly unknown[]): Promise<{ rows: Row[]; rowCount: number | null }>
}

const aPool = methods('a pg.Pool', ['connect', 'on', 'end'])

/** Clients that transactions may not use, so that leases can be renewed while all transactions wait. */
const CLIENTS_FOR_STATEMENTS = 2

/** A connection that misses the time limit is ended after this many further time limits. */
const GRACE = 2

/** @throws ConfigurationError if the pool is too small for one transaction. */
function mostTransactions(max: number, listen: boolean | string): number {
  const most = max - CLIENTS_FOR_STATEMENTS - (listen === true ? 1 : 0)
  if (most < 1) throw new ConfigurationError(`the pool needs ${max - most + 1} connections or more, it has ${max}`)
  return most
}

/**
 * A store in Postgres 13 or newer, for any number of processes. Concurrent claims, completions and acceptances are sent
 * as one statement each, with one flush; a claim and a completion are one round trip each. The server's clock decides.
 *
 * `pool` is a `pg.Pool` of yours (`max` 4 or more), which stays open, or a connection string, for which the store imports
 * `pg` and makes a pool. Set `connectionTimeoutMillis` on a pool of yours: without it the pool, though not the store, waits
 * for a server that hangs without end.
 *
 * Returns at once; the first operation migrates the schema. `ready()` rejects with a {@link ConfigurationError} if the server
 * is too old or the schema has a newer version, with a `StoreError` if it cannot be written to.
 *
 * @throws ConfigurationError for an option out of range, and for a pool that is too small.
 * @example
 * const receiver = createReceiver({ store: postgresStore(new pg.Pool({ connectionString, connectionTimeoutMillis: 1500 })) })
 */
export function postgresStore<Pool extends PostgresPool>(
  pool: Pool,
  options?: PostgresStoreOptions,
): PostgresStore<ClientOf<Pool>>
export function postgresStore(url: string, options?: PostgresStoreOptions): PostgresStore<PostgresTransaction>
export function postgresStore(
  poolOrUrl: PostgresPool | string,
  options: PostgresStoreOptions = {},
): PostgresStore<PostgresClient> {
  const settings = resolved(options)
  const { schema, listen, timeoutMs, transactionTimeoutMs, purgeIntervalMs } = settings
  const isOwn = typeof poolOrUrl === 'string'
  if (isOwn) checkConnectionUrl(poolOrUrl, 'postgresStore')
  else if (!aPool.allows(poolOrUrl)) {
    throw new ConfigurationError('postgresStore needs a pg.Pool or a connection string')
  }
  if (typeof listen === 'string') checkConnectionUrl(listen, 'postgresStore: listen')
  const mostAtOnce = mostTransactions(isOwn ? settings.poolSize : poolOrUrl.options.max, listen)
  const source = isOwn ? ownPool(poolOrUrl, settings.poolSize, (1 + GRACE) * timeoutMs) : givenPool(poolOrUrl)
  const statements = statementsFor(schema)
  const connections = createConnections(source.pool, settings.namedStatements, GRACE * timeoutMs, () =>
    watcher.probeNow(),
  )
  const migrator = createMigrator(connections, statements, schema, settings.migrate)
  const claims = createClaims(connections, statements)
  const completions = createCompletions(connections, statements)
  const acceptances = createAcceptances(connections, statements)
  const inbox = createInbox(connections, statements)
  const batchClaim = createBatcher(claims.insertOrRead)
  const batchCompletion = createBatcher((batch: Completion[], by) => completions.record(batch, by))
  const batchAcceptance = createBatcher(acceptances.insertOrRead)
  const scans = createScans(connections, statements, withRetries)
  const watcher = createWatcher({
    channel: channelOf(schema),
    timeoutMs,
    connect: by => openListener(listen === false ? true : listen, connections, by),
    mark: ids =>
      withRetries('always', by => run('watch', [ids.map(id => id.scope), ids.map(id => id.key)], by)).then(() => {}),
  })
  const transact = createTransact(connections, statements, completions, {
    timeoutMs,
    transactionTimeoutMs,
    mostAtOnce,
  })
  let pending = 0
  let drained = () => {}
  let closing: Promise<void> | undefined

  const run = (name: keyof typeof statements, values: readonly unknown[], by: number) =>
    connections.run(statements[name], values, by)

  /** Counts an operation as pending, so that `close` waits for it. */
  async function track<T>(work: () => Promise<T>): Promise<T> {
    if (closing !== undefined) throw new Failure(new Error('it is closed'), 'refused', false)
    pending++
    try {
      return await work()
    } finally {
      if (--pending === 0) drained()
    }
  }

  /** Tries until the time limit, after the schema was migrated. */
  function withRetries<T>(
    repeatable: Repeatable,
    work: (by: number, attempt: number) => Promise<T>,
    limitMs = timeoutMs,
  ): Promise<T> {
    const by = performance.now() + limitMs
    return retry(by, repeatable, async attempt => {
      if (!migrator.isCurrent()) {
        await migrator.migrate(by).catch(error => {
          throw failureOfConnection(error)
        })
      }
      return work(by, attempt)
    })
  }

  const operation = <T>(repeatable: Repeatable, work: (by: number, attempt: number) => Promise<T>, limitMs?: number) =>
    track(() => withRetries(repeatable, work, limitMs))

  /** In several operations, so that `close` waits for one of them at most. */
  async function maintain(): Promise<void> {
    await operation('always', by => run('correctDueTimes', [], by))
    let removed = ROWS_PER_PURGE_STEP
    while (closing === undefined && removed === ROWS_PER_PURGE_STEP) {
      removed = await track(() => scans.purge(ROWS_PER_PURGE_STEP))
    }
  }

  function scheduleMaintenance(): NodeJS.Timeout | undefined {
    if (purgeIntervalMs === 0) return undefined
    // Random, so that processes do not purge at the same time.
    const pause = purgeIntervalMs * (0.75 + Math.random() / 2)
    return setTimeout(async () => {
      await maintain().catch(() => {})
      if (closing === undefined) maintenanceTimer = scheduleMaintenance()
    }, pause).unref()
  }
  let maintenanceTimer = scheduleMaintenance()

  return {
    name: 'postgres',
    transactions: 'async',

    claim(request) {
      return operation('always', async (by, attempt) =>
        claims.decide(request, await batchClaim(request, 0, by, attempt), by),
      )
    },

    async renew({ scope, key }, leaseId, leaseMs) {
      const rows = await operation('always', by => run('renew', [scope, key, leaseId, leaseMs], by))
      return rows.length > 0 ? 'renewed' : 'lost'
    },

    complete(id, leaseId, result) {
      const completion = { scope: id.scope, key: id.key, leaseId, result }
      return operation('always', async (by, attempt) => {
        const completedAt = await batchCompletion(completion, result.byteLength, by, attempt)
        return completedAt === undefined
          ? completions.unrecorded(id, leaseId, by)
          : { status: 'completed', completedAt }
      })
    },

    fail({ scope, key }, leaseId, failure, next: FailNext = { dueInMs: 0 }) {
      const { error, outcome } = asFailure(failure)
      return operation('always', async by => {
        const [dueInMs, notBegun] = next === 'dead' ? [null, false] : [next.dueInMs, next.notBegun === true]
        const failed = await run('fail', [scope, key, leaseId, storable(error), dueInMs, notBegun, String(outcome)], by)
        if (failed.length > 0) return 'failed'
        const before = await run('findSettled', [scope, key, leaseId, ['failed', 'dead']], by)
        return before.length > 0 ? 'failed' : 'fenced'
      })
    },

    delete({ scope, key }, { force = false } = {}) {
      return operation('if refused', async by => {
        for (;;) {
          const deleted = await run('delete', [scope, key, force], by)
          if (deleted.length > 0) return 'deleted'
          const [status] = await run('status', [scope, key], by)
          if (status === undefined) return 'absent'
          const [isRunning] = status
          if (isRunning && !force) return 'running'
        }
      })
    },

    async get({ scope, key }) {
      const [row] = await operation('always', by => run('get', [scope, key], by))
      return row && recordOf(row)
    },

    list: query => track(() => scans.list(query)),
    stats: () => track(scans.stats),
    usage: scope => track(() => scans.usage(scope)),
    purge: limit => track(() => scans.purge(limit)),

    accept(request) {
      return operation('always', async (by, attempt) =>
        acceptances.decide(request, await batchAcceptance(request, request.delivery.byteLength, by, attempt), by),
      )
    },

    // Not repeated if it may have claimed something: the caller then repeats it with `again`.
    claimDue: request =>
      operation('if refused', by => inbox.claimDue(request, by), Math.max(timeoutMs, request.leaseMs)),

    redrive: ({ scope, key }, options = {}) => operation('if refused', by => inbox.redrive(scope, key, options, by)),

    backlog: scope => operation('always', by => inbox.backlog(scope, by)),

    transact: (id, leaseId, work) =>
      track(async () => {
        if (!migrator.isCurrent()) await withRetries('always', async () => {})
        return transact(id, leaseId, work)
      }),

    journal: createJournal((repeatable, name, values) => operation(repeatable, by => run(name, values, by))),

    ...(listen !== false && { watch: watcher.watch, watchDue: watcher.watchDue, announceDue }),

    async ready() {
      try {
        await operation('always', by => run('check', [], by))
      } catch (error) {
        throw (error as Failure).cause instanceof ConfigurationError ? (error as Failure).cause : error
      }
    },

    close() {
      closing ??= close()
      return closing
    },
  }

  function announceDue(scope: string): void {
    operation('if refused', by => run('announce', [scope], by)).catch(() => {})
  }

  async function close(): Promise<void> {
    clearTimeout(maintenanceTimer)
    watcher.close()
    if (pending > 0) {
      await new Promise<void>(resolve => {
        drained = resolve
      })
    }
    connections.close()
    // Not awaited for longer, because a server may hang.
    await within(performance.now() + timeoutMs, source.close(), () => new Error()).catch(() => {})
  }
}

/** Without what Postgres' text type refuses: U+0000, and half of a surrogate pair where the error is cut. */
function storable(error: string): string {
  const kept = error.slice(0, MAX_ERROR_LENGTH)
  return (/[\uD800-\uDBFF]$/.test(kept) ? kept.slice(0, -1) : kept).replaceAll('\0', '\uFFFD')
}
