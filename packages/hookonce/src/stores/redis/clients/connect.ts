import { ConfigurationError } from '../../../errors.js'
import { checkConnectionUrl } from '../../../util/connection-url.js'
import { anObject } from '../../../util/options.js'
import type { RedisClient } from './client.js'
import { type IoredisClient, type IoredisCluster, ioredisClient, isIoredis } from './ioredis.js'
import { isNodeRedis, type NodeRedisClient, type NodeRedisCluster, nodeRedisClient } from './node-redis.js'

/** Where Redis is, for a client of the store's own, which is ioredis. */
export type RedisAddress = string | SentinelAddress | ClusterAddress

/** A master that Sentinels name. */
export interface SentinelAddress {
  sentinels: readonly { host: string; port?: number }[]
  /** The master's name, as the Sentinels have it. */
  name: string
  /** More options of ioredis, e.g. `password`, `sentinelPassword`, `tls`. */
  [option: string]: unknown
}

export interface ClusterAddress {
  /** Some of the Cluster's nodes: `redis://` or `rediss://`, user and password as in the first. */
  cluster: readonly string[]
  /** More options of ioredis, for the connection to each node. */
  [option: string]: unknown
}

/** A client of the caller's own, of the package `ioredis` or `redis`. */
export type GivenClient = IoredisClient | IoredisCluster | NodeRedisClient | NodeRedisCluster

export interface Connected {
  client: RedisClient
  /** Closes what the store made itself. */
  close(): Promise<void>
}

/**
 * @param silenceMs after which a connection of the store's own that owes an answer is taken for dead
 * @throws {ConfigurationError} where it can be told at once that this is no way to Redis
 */
export function connect(to: RedisAddress | GivenClient, silenceMs: number): Promise<Connected> {
  if (typeof to === 'string') {
    assertDatabase(assertUrl(to))
    const isTls = to.startsWith('rediss:')
    return dial(isTls, ({ Redis }) => new Redis(to, { ...own, socketTimeout: silenceMs }))
  }
  if (!anObject.allows(to)) throw noWay()
  // Clients first: those of ioredis have a method `cluster`.
  const given = isIoredis(to) ? ioredisClient(to) : isNodeRedis(to) ? nodeRedisClient(to) : undefined
  if (given === undefined) return dialAddress(to as SentinelAddress | ClusterAddress, { socketTimeout: silenceMs })
  if ((to as { options?: { keyPrefix?: unknown } }).options?.keyPrefix) {
    throw new ConfigurationError(
      'redisStore needs a client without keyPrefix: give the store its option prefix instead',
    )
  }
  return Promise.resolve({ client: given, close: async () => {} })
}

/**
 * The store itself asks again, under deadlines: a driver that keeps commands for a server that is gone would carry
 * them out when nobody waits for them any more.
 */
const unqueued = { autoResendUnfulfilledCommands: false, maxRetriesPerRequest: 0 }
const FIRST_PAUSE_MS = 50
const patience = (times: number) => Math.min(FIRST_PAUSE_MS * 2 ** (times - 1), 500)
const own = {
  ...unqueued,
  enableOfflineQueue: false,
  retryStrategy: patience,
  sentinelRetryStrategy: patience,
  // A master that became a replica stays connected behind a name or a proxy.
  reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
}

function dialAddress(to: SentinelAddress | ClusterAddress, limits: object): Promise<Connected> {
  if ('sentinels' in to) {
    const { sentinels, ...options } = to as SentinelAddress
    const all = { ...own, ...limits, failoverDetector: true, ...options }
    return dial('tls' in options, ({ Redis }) => new Redis({ ...all, sentinels: [...sentinels] }))
  }
  if ('cluster' in to && to.cluster.length > 0) {
    const { cluster, ...options } = to
    const nodes = cluster.map(assertUrl)
    const all = clusterOptions(nodes[0]!, { ...limits, ...options })
    return dial('tls' in all.redisOptions, ({ Cluster }) => new Cluster(nodes.map(addressOf), all))
  }
  throw noWay()
}

const noWay = (): ConfigurationError =>
  new ConfigurationError('redisStore needs a URL, Sentinels, nodes of a cluster, or a client of ioredis or redis')

function clusterOptions(first: URL, options: object) {
  const { username, password } = first
  return {
    enableOfflineQueue: false,
    clusterRetryStrategy: patience,
    redisOptions: {
      ...unqueued,
      ...(username && { username: decodeURIComponent(username) }),
      ...(password && { password: decodeURIComponent(password) }),
      ...(first.protocol === 'rediss:' && { tls: {} }),
      ...options,
    },
  }
}

const addressOf = ({ hostname, port }: URL) => ({
  host: hostname.replace(/^\[|\]$/g, ''),
  port: port === '' ? 6379 : Number(port),
})

function assertUrl(text: string): URL {
  checkConnectionUrl(text, 'redisStore')
  if (!/^rediss?:\/\/./.test(text) || !URL.canParse(text) || new URL(text).hostname === '') {
    // Not the text itself: it may hold a password.
    throw new ConfigurationError('redisStore needs a URL like redis://host:6379 or rediss://user:password@host:6379/0')
  }
  return new URL(text)
}

/** The driver takes any text for a database, and goes on in database 0 when the server knows no such. */
function assertDatabase({ pathname, searchParams }: URL): void {
  const database = searchParams.get('db') ?? pathname.slice(1)
  if (!/^\d*$/.test(database))
    throw new ConfigurationError('the database of a Redis URL must be a number: redis://host:6379/1')
}

const load = () => import('ioredis')
type Ioredis = Awaited<ReturnType<typeof load>>

const NO_TLS = new Error('no TLS was answered: rediss:// and tls need a port with TLS, redis:// is for one without')
const NO_CONNECTION = new Error('there is no connection yet')
/** `ERR DB index is out of range`, `ERR invalid DB index`, and in a Cluster `ERR SELECT is not allowed in cluster mode`. */
const REFUSED_DATABASE = /\bDB index\b|SELECT is not allowed/
const PERHAPS_TLS = 'was the connection closed because the port has TLS? Then the URL begins with rediss://'

/** @param isTls whether it is asked for */
async function dial(
  isTls: boolean,
  make: (ioredis: Ioredis) => InstanceType<Ioredis['Redis' | 'Cluster']>,
): Promise<Connected> {
  const ioredis = await load().catch(cause => {
    throw new ConfigurationError(`redisStore needs the package ioredis: npm install ioredis (${cause.message})`)
  })
  const client = make(ioredis)
  // What commands fail with is only that there is no connection; why there is none is told here.
  let trouble: unknown = isTls ? NO_TLS : NO_CONNECTION
  let wasConnected = false
  /** Of this connection's database; the driver would go on in database 0. */
  let refusal: Error | undefined
  client.on('error', (error: Error & { code?: string; lastNodeError?: unknown }) => {
    trouble = error.lastNodeError ?? error
    if (REFUSED_DATABASE.test(error.message)) refusal = error
    if (!isTls && !wasConnected && error.code === 'ECONNRESET') trouble = new Error(`${error.message}; ${PERHAPS_TLS}`)
  })
  client.on('connect', () => {
    refusal = undefined
  })
  client.on('ready', () => {
    wasConnected = true
    trouble = undefined
  })
  // A failover that ioredis is told of while it looks for the master ends its client for good.
  let closed = false
  client.on('end', () => {
    if (!closed) setTimeout(() => !closed && client.connect().catch(() => {}), FIRST_PAUSE_MS)
  })
  const made = ioredisClient(client)
  return {
    client: {
      ...made,
      trouble: () => trouble,
      evaluate: (...command) => (refusal === undefined ? made.evaluate(...command) : Promise.reject(refusal)),
    },
    close: async () => {
      closed = true
      client.disconnect()
    },
  }
}
