import { ConfigurationError } from '../../../errors.js'
import { checkConnectionUrl } from '../../../util/connection-url.js'
import { anObject } from '../../../util/options.js'
import type { RedisClient } from './client.js'
import { type IoredisClient, type IoredisCluster, ioredisClient, isIoredis } from './ioredis.js'
import { isNodeRedis, type NodeRedisClient, type NodeRedisCluster, nodeRedisClient } from './node-redis.js'

/** The address of Redis, for a client that the store makes with ioredis. */
export type RedisAddress = string | SentinelAddress | ClusterAddress

/** A master behind Sentinels. */
export interface SentinelAddress {
  sentinels: readonly { host: string; port?: number }[]
  /** The master's name in the Sentinels' configuration. */
  name: string
  /** More options of ioredis, e.g. `password`, `sentinelPassword`, `tls`. */
  [option: string]: unknown
}

export interface ClusterAddress {
  /** One or more of the Cluster's nodes: `redis://` or `rediss://`. All have the first one's user and password. */
  cluster: readonly string[]
  /** More options of ioredis, for the connection to each node. */
  [option: string]: unknown
}

/** A client that the caller made with the package `ioredis` or `redis`. */
export type GivenClient = IoredisClient | IoredisCluster | NodeRedisClient | NodeRedisCluster

export interface Connected {
  client: RedisClient
  /** Closes the client if the store made it. */
  close(): Promise<void>
}

/**
 * @param socketTimeoutMs after which a connection of the store's own that gives no reply counts as dead
 * @throws {ConfigurationError} for what is neither an address nor a client
 */
export function connect(to: RedisAddress | GivenClient, socketTimeoutMs: number): Promise<Connected> {
  if (typeof to === 'string') {
    assertDatabase(assertUrl(to))
    const isTls = to.startsWith('rediss:')
    return dial(isTls, ({ Redis }) => new Redis(to, { ...own, socketTimeout: socketTimeoutMs }))
  }
  if (!anObject.allows(to)) throw noAddress()
  // Clients before addresses, because a client of ioredis has a method `cluster`.
  const given = isIoredis(to) ? ioredisClient(to) : isNodeRedis(to) ? nodeRedisClient(to) : undefined
  if (given === undefined)
    return dialAddress(to as SentinelAddress | ClusterAddress, { socketTimeout: socketTimeoutMs })
  if ((to as { options?: { keyPrefix?: unknown } }).options?.keyPrefix) {
    throw new ConfigurationError(
      'redisStore needs a client without keyPrefix: give the store its option prefix instead',
    )
  }
  return Promise.resolve({ client: given, close: async () => {} })
}

/** The store itself retries, within time limits: a driver that queued commands would send them after the limit. */
const unqueued = { autoResendUnfulfilledCommands: false, maxRetriesPerRequest: 0 }
const FIRST_PAUSE_MS = 50
const retryDelay = (times: number) => Math.min(FIRST_PAUSE_MS * 2 ** (times - 1), 500)
const own = {
  ...unqueued,
  enableOfflineQueue: false,
  retryStrategy: retryDelay,
  sentinelRetryStrategy: retryDelay,
  // Behind a DNS name or a proxy the connection to a master that became a replica stays open.
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
  throw noAddress()
}

const noAddress = (): ConfigurationError =>
  new ConfigurationError('redisStore needs a URL, Sentinels, nodes of a cluster, or a client of ioredis or redis')

function clusterOptions(first: URL, options: object) {
  const { username, password } = first
  return {
    enableOfflineQueue: false,
    clusterRetryStrategy: retryDelay,
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
    // Without the text, which may have a password in it.
    throw new ConfigurationError('redisStore needs a URL like redis://host:6379 or rediss://user:password@host:6379/0')
  }
  return new URL(text)
}

/** Checked here because the driver accepts any text, and uses database 0 if the server refuses it. */
function assertDatabase({ pathname, searchParams }: URL): void {
  const database = searchParams.get('db') ?? pathname.slice(1)
  if (!/^\d*$/.test(database))
    throw new ConfigurationError('the database of a Redis URL must be a number: redis://host:6379/1')
}

async function load() {
  // Within `try` it is optional for bundlers too.
  try {
    const ioredis = await import('ioredis')
    // webpack gives a CommonJS module to an ES module as its default export alone.
    return ioredis.Redis === undefined ? (ioredis.default as unknown as typeof ioredis) : ioredis
  } catch (error) {
    const { message } = error as Error
    throw new ConfigurationError(`redisStore needs the package ioredis: npm install ioredis (${message})`)
  }
}
type Ioredis = Awaited<ReturnType<typeof load>>

const NO_TLS = new Error('no TLS was answered: rediss:// and tls need a port with TLS, redis:// is for one without')
const NO_CONNECTION = new Error('there is no connection yet')
/** `ERR DB index is out of range`, `ERR invalid DB index`, and in a Cluster `ERR SELECT is not allowed in cluster mode`. */
const REFUSED_DATABASE = /\bDB index\b|SELECT is not allowed/
const PERHAPS_TLS = 'was the connection closed because the port has TLS? Then the URL begins with rediss://'

/** @param isTls whether the address asks for TLS */
async function dial(
  isTls: boolean,
  make: (ioredis: Ioredis) => InstanceType<Ioredis['Redis' | 'Cluster']>,
): Promise<Connected> {
  const client = make(await load())
  // A command's error only says that there is no connection. The client's `error` event says why.
  let connectionError: unknown = isTls ? NO_TLS : NO_CONNECTION
  let wasConnected = false
  /** The server refused the database of this connection; the driver would use database 0. */
  let refusal: Error | undefined
  client.on('error', (error: Error & { code?: string; lastNodeError?: unknown }) => {
    connectionError = error.lastNodeError ?? error
    if (REFUSED_DATABASE.test(error.message)) refusal = error
    if (!isTls && !wasConnected && error.code === 'ECONNRESET') {
      connectionError = new Error(`${error.message}; ${PERHAPS_TLS}`)
    }
  })
  client.on('connect', () => {
    refusal = undefined
  })
  client.on('ready', () => {
    wasConnected = true
    connectionError = undefined
  })
  // ioredis ends its client for good if it is notified of a failover while it looks up the master.
  let closed = false
  client.on('end', () => {
    if (!closed) setTimeout(() => !closed && client.connect().catch(() => {}), FIRST_PAUSE_MS)
  })
  const redisClient = ioredisClient(client)
  return {
    client: {
      ...redisClient,
      connectionError: () => connectionError,
      evaluate: (...command) => (refusal === undefined ? redisClient.evaluate(...command) : Promise.reject(refusal)),
    },
    close: async () => {
      closed = true
      client.disconnect()
    },
  }
}
