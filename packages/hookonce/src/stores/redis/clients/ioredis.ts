import { type Argument, firstOf, type RedisClient, type RedisNode, type Subscriber } from './client.js'

/** The part of an ioredis `Redis` that the store uses. */
export interface IoredisClient {
  readonly isCluster: boolean
  readonly status: string
  /** Absent while a `Redis` is not connected. */
  readonly stream?: { cork(): void; uncork(): void } | undefined
  readonly options: object
  callBuffer(command: string, args: (string | Buffer | number)[]): Promise<unknown>
  call(command: string, args: (string | Buffer | number)[]): Promise<unknown>
  connect(): Promise<unknown>
  duplicate(override?: object): unknown
  on(event: string, listener: () => void): unknown
  off(event: string, listener: () => void): unknown
}

/** The part of an ioredis `Cluster` that the store uses. */
export interface IoredisCluster extends Omit<IoredisClient, 'duplicate'> {
  nodes(role?: 'master' | 'slave' | 'all'): unknown[]
}

/** Methods that the driver's types leave out. `callBuffer` would fail under `enableAutoPipelining`. */
interface ScriptMethods {
  evalshaBuffer(sha: string, keys: number, ...args: (string | Buffer)[]): Promise<unknown>
  evalBuffer(script: string, keys: number, ...args: (string | Buffer)[]): Promise<unknown>
}

interface Connection {
  connect(): Promise<unknown>
  subscribe(channel: string): Promise<unknown>
  unsubscribe(channel: string): Promise<unknown>
  disconnect(): void
  on(event: string, listener: (channel: string) => void): unknown
}

export function isIoredis(client: object): client is IoredisClient | IoredisCluster {
  return 'callBuffer' in client
}

export function ioredisClient(client: IoredisClient | IoredisCluster): RedisClient {
  const scriptMethods = client as unknown as ScriptMethods
  const batcher = 'nodes' in client ? undefined : createWriteBatcher(client)
  const serversOf = (role: 'master' | 'all') => ('nodes' in client ? client.nodes(role) : [client]) as IoredisClient[]

  return {
    isCluster: client.isCluster,

    async firstConnection() {
      // A client with `lazyConnect` would connect with its first command, which comes next.
      if (client.status === 'wait') client.connect().catch(() => {})
      if (client.status === 'connecting' || client.status === 'connect') {
        await firstOf(client, 'ready', 'error', 'close', 'end')
      }
    },

    batchWrites: () => batcher?.batchWrites(),

    evaluate(command, script, keys, args) {
      batcher?.next()
      const all = args as readonly Argument[] as Buffer[]
      return command === 'EVALSHA'
        ? scriptMethods.evalshaBuffer(script, keys.length, ...keys, ...all)
        : scriptMethods.evalBuffer(script, keys.length, ...keys, ...all)
    },

    async nodes() {
      return serversOf('master').map((node): RedisNode => ({ call: (command, ...args) => node.call(command, args) }))
    },

    subscriber(message, ended) {
      const servers = serversOf('all')
      // A Cluster forwards messages to all of its servers.
      const server = servers[Math.floor(Math.random() * servers.length)]
      if (server === undefined) return Promise.reject(new Error('no server of the Cluster is known'))
      // The watcher reconnects and subscribes itself, because it must know when messages may be missed.
      const own = { lazyConnect: true, retryStrategy: null, autoResubscribe: false, enableOfflineQueue: true }
      return connect(
        server.duplicate({ ...own, readOnly: false, himportFieldsets: undefined }) as Connection,
        message,
        ended,
      )
    },

    onConnected(listener) {
      client.on('ready', listener)
      return () => void client.off('ready', listener)
    },
  }
}

/** Redis executes these commands while the next are made. One write for all would take a sixth of the throughput. */
const COMMANDS_PER_WRITE = 16

/**
 * The driver writes each command to the socket by itself. The commands of one tick of the event loop are written in batches
 * instead, the last batch at the end of the tick: a seventh less CPU for a first delivery.
 */
function createWriteBatcher(client: IoredisClient): { batchWrites(): void; next(): void } {
  let corked: IoredisClient['stream']
  let count = 0

  function batchWrites(): void {
    const { stream } = client
    if (stream === undefined || stream === corked) return
    corked = stream
    count = 0
    stream.cork()
    setImmediate(() => {
      corked = undefined
      stream.uncork()
    })
  }

  return {
    batchWrites,

    /** Call before each command. */
    next() {
      batchWrites()
      if (count++ < COMMANDS_PER_WRITE || corked === undefined) return
      count = 1
      corked.uncork()
      corked.cork()
    },
  }
}

async function connect(
  connection: Connection,
  message: (channel: string) => void,
  ended: () => void,
): Promise<Subscriber> {
  connection.on('error', () => {}) // `end` follows
  connection.on('message', message)
  await connection.connect()
  connection.on('end', ended)
  return {
    subscribe: channel => connection.subscribe(channel),
    unsubscribe: channel => void connection.unsubscribe(channel).catch(() => {}),
    close: () => connection.disconnect(),
  }
}
