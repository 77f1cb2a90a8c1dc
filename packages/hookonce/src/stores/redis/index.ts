import { ConfigurationError, StoreError } from '../../errors.js'
import { aFlag, aFunction, aNumber, aText, checkOptions } from '../../util/options.js'
import { withDefaults } from '../../util/with-defaults.js'
import type { InboxStore } from '../inbox-store.js'
import { asFailure } from '../rules.js'
import { type CompleteOutcome, MAX_ERROR_LENGTH } from '../store.js'
import { connect, type GivenClient, type RedisAddress } from './clients/connect.js'
import { createDataLossCheck } from './data-loss-check.js'
import { codeOf } from './errors.js'
import { createInbox } from './inbox.js'
import { createJournal } from './journal.js'
import { keyOf } from './keys.js'
import { listPage } from './list.js'
import { scripts } from './lua.generated.js'
import { createWatcher } from './pubsub.js'
import {
  attemptsOf,
  bytesOf,
  claimOutcome,
  deliveryOf,
  labelled,
  present,
  resultOf,
  summaryOf,
} from './record-codec.js'
import { createCommands } from './script-runner.js'
import { checkServer, durabilityOf, WANTS_CLUSTER } from './server-check.js'
import { usageOf } from './usage.js'

export type { ClusterAddress, GivenClient, RedisAddress, SentinelAddress } from './clients/connect.js'
export type { IoredisClient, IoredisCluster } from './clients/ioredis.js'
export type { NodeRedisClient, NodeRedisCluster } from './clients/node-redis.js'

export interface RedisStoreOptions {
  /** The prefix of all keys; without braces. Default `hookonce:`. */
  prefix?: string
  /**
   * The time limit of one operation, retries included. Keep it below the engine's `storeTimeoutMs`, or the engine does not
   * wait for the result. The first connection may take up to 3 s more. Default 1,000.
   */
  commandTimeoutMs?: number
  /** Allows a `maxmemory-policy` that evicts records: duplicates may then run again. Default `false`. */
  allowEviction?: boolean
  /**
   * Called when Redis has lost its records: it was restarted empty, was flushed, or failed over to an empty replica. With
   * `since` (ms since the epoch by the server's clock) it lost those written later: a snapshot was restored, or a replica
   * without the last writes was promoted. Duplicates of lost records run again, and lost accepted deliveries never run.
   * Default: a warning of the process.
   */
  onForgotten?: (since?: number) => void
}

const RULES = { prefix: aText, commandTimeoutMs: aNumber, allowEviction: aFlag, onForgotten: aFunction }

export const redisStoreDefaults: Readonly<Required<RedisStoreOptions>> = {
  prefix: 'hookonce:',
  commandTimeoutMs: 1000,
  allowEviction: false,
  onForgotten(since) {
    const which = since === undefined ? '' : ` written after ${new Date(since).toISOString()}`
    process.emitWarning(`Redis has forgotten the records of hookonce${which}: duplicates may run again`)
  },
}

export interface RedisStore extends InboxStore {
  /** Says in words what a crash of Redis may lose, by its present settings. */
  durability(): Promise<string>
}

/**
 * A store in Redis 7 or later, or Valkey 7.2 or later: one server, Sentinels, or a Cluster. Every operation is one script
 * and one round trip, by the server's clock. Redis itself removes expired records.
 *
 * `connection` is a client of yours, of `ioredis` 5 or 6 or of `redis` 5 or 6 (connected), which `close()` leaves open; or
 * an address, to which the store connects with `ioredis`, which has to be installed.
 *
 * Returns at once. `ready()` rejects with a {@link ConfigurationError} if the server is too old or may evict records, with
 * a {@link StoreError} if it cannot be written to. A result is as durable as Redis makes it: see `durability()`.
 *
 * @throws ConfigurationError for an option out of range, and for a connection that is neither an address nor a client.
 * @example
 * const receiver = createReceiver({ store: redisStore('redis://localhost:6379') })
 * const receiver = createReceiver({ store: redisStore(new Redis.Cluster(nodes)) })
 * const receiver = createReceiver({ store: redisStore({ sentinels: [{ host: 'sentinel' }], name: 'mymaster' }) })
 */
export function redisStore(connection: RedisAddress | GivenClient, options: RedisStoreOptions = {}): RedisStore {
  checkOptions('redisStore', options, RULES)
  const { prefix, commandTimeoutMs, allowEviction, onForgotten } = validated(withDefaults(redisStoreDefaults, options))
  const connected = connect(connection, 2 * commandTimeoutMs)
  const opening = connected.then(({ client }) => client)
  opening.catch(() => {}) // each operation reports it
  const commands = createCommands(opening, commandTimeoutMs)
  const { run } = commands
  const dataLossCheck = createDataLossCheck(opening, commands, prefix, onForgotten)
  const watcher = createWatcher(opening, name => run(scripts.watch, name, [], () => undefined))
  let closing: Promise<void> | undefined

  /** The client after a first command, because before that a Cluster's servers may not be known. */
  async function connectedClient() {
    commands.refuseIfClosed()
    await run(scripts.get, keyOf(prefix, { scope: '', key: '' }), ['0'], () => undefined)
    return opening
  }

  const nodes = async () => (await connectedClient()).nodes()

  async function close(): Promise<void> {
    dataLossCheck.close()
    await commands.close()
    watcher.close()
    await connected.then(
      ({ close }) => close(),
      () => {},
    )
  }

  return {
    name: 'redis',
    ...createInbox(commands, prefix, watcher, dataLossCheck.acknowledged),

    claim(request) {
      const { fingerprint, label, leaseId, leaseMs, lockTtlMs, retentionMs, maxLosses } = request
      const name = keyOf(prefix, request)
      return run(
        scripts.claim,
        name,
        [
          leaseId,
          present(fingerprint),
          `${leaseMs}`,
          `${lockTtlMs}`,
          `${retentionMs}`,
          `${maxLosses}`,
          labelled(label),
        ],
        reply => {
          const outcome = claimOutcome(reply)
          if (outcome.status === 'acquired') {
            // The fencing token is the microsecond of the claim.
            dataLossCheck.acknowledged(name, Number(outcome.fencingToken) / 1000, retentionMs)
          }
          return outcome
        },
      )
    },

    renew(id, leaseId, leaseMs) {
      return run(scripts.renew, keyOf(prefix, id), [leaseId, `${leaseMs}`], renewed => (renewed ? 'renewed' : 'lost'))
    },

    complete(id, leaseId, result) {
      return run(scripts.complete, keyOf(prefix, id), [leaseId, bytesOf(result)], completeOutcome)
    },

    fail(id, leaseId, failure, next = { dueInMs: 0 }) {
      const { error, outcome } = asFailure(failure)
      const lastError = present(error.slice(0, MAX_ERROR_LENGTH))
      const due = next === 'dead' ? [next, '0'] : [`${next.dueInMs}`, next.notBegun ? '1' : '0']
      return run(scripts.fail, keyOf(prefix, id), [leaseId, lastError, ...due, `${outcome}`], failed =>
        failed ? 'failed' : 'fenced',
      )
    },

    delete(id, { force = false } = {}) {
      const outcomes = ['absent', 'deleted', 'running'] as const
      // Sent again, it could remove a record that was claimed since.
      return run(scripts.delete, keyOf(prefix, id), [force ? '1' : '0'], code => outcomes[Number(code)]!, {
        resendable: false,
      })
    },

    get({ scope, key }) {
      return run(scripts.get, keyOf(prefix, { scope, key }), ['-1'], reply => {
        const [now, value] = reply as [number, Buffer]
        const summary = summaryOf(value, { scope, key }, Number(now))
        if (summary === undefined) return undefined
        const delivery = deliveryOf(value)
        const result = summary.state === 'completed' ? resultOf(value) : null
        return { ...summary, history: attemptsOf(value, summary), result, ...(delivery && { delivery }) }
      })
    },

    async list(query) {
      return listPage(await connectedClient(), commands, prefix, query)
    },

    async stats() {
      commands.refuseIfClosed()
      return {} // Redis counts only all keys together, those of other applications included
    },

    usage: scope => commands.during(async () => usageOf(await nodes(), prefix, scope)),

    async purge() {
      commands.refuseIfClosed()
      return 0
    },

    journal: createJournal(commands, prefix),

    watch(id, wake) {
      return watcher.watch(keyOf(prefix, id), wake)
    },

    async ready() {
      const { isCluster } = await commands.opened()
      try {
        const servers = await nodes()
        for (const node of servers) await checkServer(node, isCluster, allowEviction)
      } catch (error) {
        throw !isCluster && codeOf((error as Error).cause) === 'MOVED' ? new ConfigurationError(WANTS_CLUSTER) : error
      }
      await dataLossCheck.check()
    },

    async durability() {
      const sentences = new Set(await Promise.all((await nodes()).map(durabilityOf)))
      return [...sentences].join('; on another server: ')
    },

    close() {
      closing ??= close()
      return closing
    },
  }
}

const completeOutcome = (completedAt: unknown): CompleteOutcome =>
  completedAt ? { status: 'completed', completedAt: Number(completedAt) } : { status: 'fenced' }

function validated(options: Required<RedisStoreOptions>): Required<RedisStoreOptions> {
  const { prefix, commandTimeoutMs } = options
  if (/[{}]/.test(prefix)) {
    throw new ConfigurationError('prefix must be a text without braces, which say in which slot a key of a Cluster is')
  }
  if (!(commandTimeoutMs >= 1 && commandTimeoutMs < 2 ** 31)) {
    throw new ConfigurationError(`commandTimeoutMs must be 1 to ${2 ** 31 - 1}, not ${commandTimeoutMs}`)
  }
  return options
}
