import { ConfigurationError } from '../../errors.js'
import { checkConnectionUrl } from '../../util/connection-url.js'
import { methods } from '../../util/options.js'
import type { FailNext, InboxStore } from '../inbox-store.js'
import { MAX_ERROR_LENGTH, type RecordId, type TransactionalStore } from '../store.js'
import { createAccepting } from './accept.js'
import { createLanes } from './batcher.js'
import { createClaiming } from './claim.js'
import { type Completion, createCompleting } from './complete.js'
import { createConnections, within } from './connections.js'
import { Failure, failureOfConnection } from './errors.js'
import { createWorking } from './inbox.js'
import { createWatching } from './listen.js'
import { type PostgresStoreOptions, resolved } from './options.js'
import type { ClientOf, PostgresClient, PostgresPool } from './pool.js'
import { givenPool, openListener, ownPool } from './pool-source.js'
import { persist, type Repeatable } from './retry.js'
import { recordOf } from './rows.js'
import { createScans, ROWS_PER_PURGE_STEP } from './scans.js'
import { createOpening } from './schema.js'
import { channelOf, statementsFor } from './statements.js'
import { createTransacting } from './transact.js'

export { postgresMigrations } from './migrations.js'
export { type PostgresStoreOptions, postgresStoreDefaults } from './options.js'
export type { ClientOf, PostgresClient, PostgresPool } from './pool.js'

/** A store that is an inbox too, and whose attempts may write their effects in the transaction of their result. */
export type PostgresStore<Client> = TransactionalStore<Client, 'async'> & InboxStore

/** What work writes with when the store has a pool of its own. */
export interface PostgresTransaction {
  // biome-ignore lint/suspicious/noExplicitAny: rows are what the statement selects
  query<Row = any>(text: string, values?: readonly unknown[]): Promise<{ rows: Row[]; rowCount: number | null }>
}

const aPool = methods('a pg.Pool', ['connect', 'on', 'end'])

/** Clients that are kept from transactions, so that leases can be renewed while all of those wait. */
const CLIENTS_FOR_STATEMENTS = 2

/** For how many time limits more a connection is kept that has not answered within one, or could not be opened. */
const PATIENCE = 2

/** @throws ConfigurationError when there would be no client for a transaction. */
function mostTransactions(max: number, listen: boolean | string): number {
  const most = max - CLIENTS_FOR_STATEMENTS - (listen === true ? 1 : 0)
  if (most < 1) throw new ConfigurationError(`the pool needs ${max - most + 1} connections or more, it has ${max}`)
  return most
}

/**
 * A store in Postgres 13 or newer, for any number of processes. What arrives together goes to the server as one
 * statement and is flushed once; one claim and one completion are a round trip each. The server's clock decides.
 *
 * `pool` is a `pg.Pool` of yours (`max` 4 or more), which stays open, or a connection string: then `pg` is imported and the pool is the
 * store's own. Set `connectionTimeoutMillis` on a pool of yours, or a server that hangs is waited for without end by
 * the pool, though not by the store.
 *
 * Returns at once; the first operation brings the schema up to date. `ready()` rejects with a
 * {@link ConfigurationError} when the server is too old or the schema is of a newer version, with a `StoreError` when
 * it cannot be written.
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
  const source = isOwn ? ownPool(poolOrUrl, settings.poolSize, (1 + PATIENCE) * timeoutMs) : givenPool(poolOrUrl)
  const statements = statementsFor(schema)
  const connections = createConnections(source.pool, settings.namedStatements, PATIENCE * timeoutMs, () =>
    watching.doubt(),
  )
  const opening = createOpening(connections, statements, schema, settings.migrate)
  const claiming = createClaiming(connections, statements)
  const completing = createCompleting(connections, statements)
  const accepting = createAccepting(connections, statements)
  const working = createWorking(connections, statements)
  const claimLane = createLanes(claiming.look)
  const completeLane = createLanes((batch: Completion[], by) => completing.record(batch, by))
  const acceptLane = createLanes(accepting.look)
  const scans = createScans(connections, statements, step)
  const watching = createWatching({
    channel: channelOf(schema),
    timeoutMs,
    connect: by => openListener(listen === false ? true : listen, connections, by),
    mark: ids =>
      step('always', by => run('watch', [ids.map(id => id.scope), ids.map(id => id.key)], by)).then(() => {}),
  })
  const transact = createTransacting(connections, statements, completing, {
    timeoutMs,
    transactionTimeoutMs,
    mostAtOnce,
  })
  let pending = 0
  let drained = () => {}
  let closing: Promise<void> | undefined

  const run = (name: keyof typeof statements, values: readonly unknown[], by: number) =>
    connections.run(statements[name], values, by)

  /** Everything that is asked comes through here, so that closing can wait for it. */
  async function enter<T>(work: () => Promise<T>): Promise<T> {
    if (closing !== undefined) throw new Failure(new Error('it is closed'), 'refused', false)
    pending++
    try {
      return await work()
    } finally {
      if (--pending === 0) drained()
    }
  }

  /** One step under the time limit. */
  function step<T>(
    repeatable: Repeatable,
    ask: (by: number, attempt: number) => Promise<T>,
    limitMs = timeoutMs,
  ): Promise<T> {
    const by = performance.now() + limitMs
    return persist(by, repeatable, async attempt => {
      if (!opening.isOpen()) {
        await opening.open(by).catch(error => {
          throw failureOfConnection(error)
        })
      }
      return ask(by, attempt)
    })
  }

  const ask = <T>(repeatable: Repeatable, question: (by: number, attempt: number) => Promise<T>, limitMs?: number) =>
    enter(() => step(repeatable, question, limitMs))

  /** Step by step, so that closing need not wait for the last. */
  async function tidy(): Promise<void> {
    await ask('always', by => run('cutLine', [], by))
    let removed = ROWS_PER_PURGE_STEP
    while (closing === undefined && removed === ROWS_PER_PURGE_STEP) {
      removed = await enter(() => scans.purge(ROWS_PER_PURGE_STEP))
    }
  }

  function tidyFromTimeToTime(): NodeJS.Timeout | undefined {
    if (purgeIntervalMs === 0) return undefined
    // At other times than the other processes.
    const pause = purgeIntervalMs * (0.75 + Math.random() / 2)
    return setTimeout(async () => {
      await tidy().catch(() => {})
      if (closing === undefined) tidyTimer = tidyFromTimeToTime()
    }, pause).unref()
  }
  let tidyTimer = tidyFromTimeToTime()

  return {
    name: 'postgres',
    transactions: 'async',

    claim(request) {
      return ask('always', async (by, attempt) => {
        const found =
          attempt === 1
            ? await claimLane(request, nameOf(request), 0, by)
            : await claiming.look([request], by).then(standings => standings[0])
        return claiming.settle(request, found, by)
      })
    },

    async renew({ scope, key }, leaseId, leaseMs) {
      const rows = await ask('always', by => run('renew', [scope, key, leaseId, leaseMs], by))
      return rows.length > 0 ? 'renewed' : 'lost'
    },

    complete(id, leaseId, result) {
      const completion = { scope: id.scope, key: id.key, leaseId, result }
      return ask('always', async (by, attempt) => {
        const completedAt =
          attempt === 1
            ? await completeLane(completion, nameOf(id), result.byteLength, by)
            : await completing.record([completion], by).then(times => times[0])
        return completedAt === undefined ? completing.before(id, leaseId, by) : { status: 'completed', completedAt }
      })
    },

    fail({ scope, key }, leaseId, error, next: FailNext = { dueInMs: 0 }) {
      return ask('always', async by => {
        const [dueInMs, notBegun] = next === 'dead' ? [null, false] : [next.dueInMs, next.notBegun === true]
        const failed = await run('fail', [scope, key, leaseId, storable(error), dueInMs, notBegun], by)
        if (failed.length > 0) return 'failed'
        const before = await run('settled', [scope, key, leaseId, ['failed', 'dead']], by)
        return before.length > 0 ? 'failed' : 'fenced'
      })
    },

    delete({ scope, key }, { force = false } = {}) {
      return ask('if refused', async by => {
        for (;;) {
          const deleted = await run('delete', [scope, key, force], by)
          if (deleted.length > 0) return 'deleted'
          const [found] = await run('runs', [scope, key], by)
          if (found === undefined) return 'absent'
          if (found[0] && !force) return 'running'
        }
      })
    },

    async get({ scope, key }) {
      const [row] = await ask('always', by => run('get', [scope, key], by))
      return row && recordOf(row)
    },

    list: query => enter(() => scans.list(query)),
    stats: () => enter(scans.stats),
    usage: scope => enter(() => scans.usage(scope)),
    purge: limit => enter(() => scans.purge(limit)),

    accept(request) {
      return ask('always', async (by, attempt) => {
        const found =
          attempt === 1
            ? await acceptLane(request, nameOf(request), request.delivery.byteLength, by)
            : await accepting.look([request], by).then(standings => standings[0])
        return accepting.settle(request, found, by)
      })
    },

    // One that may have taken something is not repeated as it is: whoever asks has it asked again under its lease id.
    claimDue: request => ask('if refused', by => working.claimDue(request, by), Math.max(timeoutMs, request.leaseMs)),

    redrive: ({ scope, key }, { completed = false } = {}) =>
      ask('if refused', by => working.redrive(scope, key, completed, by)),

    backlog: scope => ask('always', by => working.backlog(scope, by)),

    transact: (id, leaseId, work) =>
      enter(async () => {
        if (!opening.isOpen()) await step('always', async () => {})
        return transact(id, leaseId, work)
      }),

    ...(listen !== false && { watch: watching.watch, watchDue: watching.watchDue, announceDue }),

    async ready() {
      try {
        await ask('always', by => run('check', [], by))
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
    ask('if refused', by => run('announce', [scope], by)).catch(() => {})
  }

  async function close(): Promise<void> {
    clearTimeout(tidyTimer)
    watching.close()
    if (pending > 0) {
      await new Promise<void>(resolve => {
        drained = resolve
      })
    }
    connections.close()
    // A server that hangs does not keep the store from closing.
    await within(performance.now() + timeoutMs, source.close(), () => new Error()).catch(() => {})
  }
}

function nameOf({ scope, key }: RecordId): string {
  return `${scope.length}:${scope}${key}`
}

/** Postgres' text has no U+0000, and half of a surrogate pair is no character. */
function storable(error: string): string {
  const kept = error.slice(0, MAX_ERROR_LENGTH)
  return (/[\uD800-\uDBFF]$/.test(kept) ? kept.slice(0, -1) : kept).replaceAll('\0', '\uFFFD')
}
