import { ConfigurationError, StoreError } from '../../errors.js'
import { aFlag, aFunction, aNumber, aText, checkOptions } from '../../util/options.js'
import { withDefaults } from '../../util/with-defaults.js'
import type { InboxStore } from '../inbox-store.js'
import { type CompleteOutcome, MAX_ERROR_LENGTH } from '../store.js'
import { connect, type GivenClient, type RedisAddress } from './clients/connect.js'
import { createIdentity } from './data-loss-check.js'
import { codeOf } from './errors.js'
import { createInbox } from './inbox.js'
import { keyOf } from './keys.js'
import { listPage } from './list.js'
import { scripts } from './lua.generated.js'
import { createWatching } from './pubsub.js'
import { bytesOf, claimOutcome, deliveryOf, labelled, present, resultOf, summaryOf } from './record-codec.js'
import { createCommands } from './script-runner.js'
import { checkServer, durabilityOf, WANTS_CLUSTER } from './server-check.js'
import { usageOf } from './usage.js'

export type { ClusterAddress, GivenClient, RedisAddress, SentinelAddress } from './clients/connect.js'
export type { IoredisClient, IoredisCluster } from './clients/ioredis.js'
export type { NodeRedisClient, NodeRedisCluster } from './clients/node-redis.js'

export interface RedisStoreOptions {
  /** What the names of all keys begin with; without braces. Default `hookonce:`. */
  prefix?: string
  /**
   * How long one operation may take, sending it again included. Below the engine's `storeTimeoutMs`, or nobody waits
   * for the answer. The first connection is waited for before, for 3 s at most. Default 1,000.
   */
  commandTimeoutMs?: number
  /** Allows a `maxmemory-policy` by which Redis may drop records: duplicates may then run again. Default `false`. */
  allowEviction?: boolean
  /**
   * Called when Redis turns out to have forgotten its records: restarted empty, flushed, or failed over to an empty
   * replica; with `since` (ms since the epoch by the server's clock) those that were written later, for a snapshot was
   * restored, or a replica promoted that had not got the last writes. Deliveries of them that come again run again, and
   * what was accepted is gone. Default: a warning of the process.
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
  /** What survives a crash of Redis and what does not, in words, by its present settings. */
  durability(): Promise<string>
}

/**
 * A store in Redis 7 or later, or Valkey 7.2 or later: alone, behind Sentinels, or a Cluster. Every operation is one
 * script of one key by the server's clock, one round trip; Redis itself removes expired records.
 *
 * Takes a client of the caller's own, of `ioredis` 5 or 6 or `redis` 5 or 6 (connected), which `close()` leaves open;
 * or where Redis is, and then connects by `ioredis`, which has to be installed, and closes that connection itself.
 *
 * Returns at once. `ready()` rejects with a {@link ConfigurationError} when the server is too old or may drop records,
 * with a {@link StoreError} when it cannot be written to. A result is as durable as Redis makes it: see `durability()`.
 *
 * @throws ConfigurationError for an option out of range, and for what is no way to Redis.
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
  opening.catch(() => {}) // told by each operation
  const commands = createCommands(opening, commandTimeoutMs)
  const { run } = commands
  const identity = createIdentity(opening, commands, prefix, onForgotten)
  const watching = createWatching(opening, name => run(scripts.watch, name, [], () => undefined))
  let closing: Promise<void> | undefined

  /** Once any command got through, a Cluster's servers are known. */
  async function reached() {
    commands.refuseIfClosed()
    await run(scripts.get, keyOf(prefix, { scope: '', key: '' }), ['0'], () => undefined)
    return opening
  }

  const nodes = async () => (await reached()).nodes()

  async function close(): Promise<void> {
    identity.close()
    await commands.close()
    watching.close()
    await connected.then(
      ({ close }) => close(),
      () => {},
    )
  }

  return {
    name: 'redis',
    ...createInbox(commands, prefix, watching, identity.made),

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
          // A token is the microsecond of its claim.
          if (outcome.status === 'acquired') identity.made(name, Number(outcome.fencingToken) / 1000, retentionMs)
          return outcome
        },
      )
    },

    renew(id, leaseId, leaseMs) {
      return run(scripts.renew, keyOf(prefix, id), [leaseId, `${leaseMs}`], said => (said ? 'renewed' : 'lost'))
    },

    complete(id, leaseId, result) {
      return run(scripts.complete, keyOf(prefix, id), [leaseId, bytesOf(result)], completeOutcome)
    },

    fail(id, leaseId, error, next = { dueInMs: 0 }) {
      const kept = present(error.slice(0, MAX_ERROR_LENGTH))
      const then = next === 'dead' ? [next, '0'] : [`${next.dueInMs}`, next.notBegun ? '1' : '0']
      return run(scripts.fail, keyOf(prefix, id), [leaseId, kept, ...then], said => (said ? 'failed' : 'fenced'))
    },

    delete(id, { force = false } = {}) {
      const outcomes = ['absent', 'deleted', 'running'] as const
      // Not sent again when it may have been carried out: it could remove what was claimed since.
      return run(scripts.delete, keyOf(prefix, id), [force ? '1' : '0'], said => outcomes[Number(said)]!, {
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
        return { ...summary, result, ...(delivery && { delivery }) }
      })
    },

    async list(query) {
      return listPage(await reached(), commands, prefix, query)
    },

    async stats() {
      commands.refuseIfClosed()
      return {} // Redis counts all of its keys, whoever they are of
    },

    usage: scope => commands.during(async () => usageOf(await nodes(), prefix, scope)),

    async purge() {
      commands.refuseIfClosed()
      return 0
    },

    watch(id, wake) {
      return watching.watch(keyOf(prefix, id), wake)
    },

    async ready() {
      const { isCluster } = await commands.opened()
      try {
        const servers = await nodes()
        for (const node of servers) await checkServer(node, isCluster, allowEviction)
      } catch (error) {
        throw !isCluster && codeOf((error as Error).cause) === 'MOVED' ? new ConfigurationError(WANTS_CLUSTER) : error
      }
      await identity.check()
    },

    async durability() {
      const words = new Set(await Promise.all((await nodes()).map(durabilityOf)))
      return [...words].join('; on another server: ')
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
