import { type Argument, firstOf, type RedisClient, type RedisNode, type Subscriber } from './client.js'

/** What is used of an ioredis `Redis`. */
export interface IoredisClient {
  readonly isCluster: boolean
  readonly status: string
  /** Of a `Redis` that is connected. */
  readonly stream?: { cork(): void; uncork(): void } | undefined
  readonly options: object
  callBuffer(command: string, args: (string | Buffer | number)[]): Promise<unknown>
  call(command: string, args: (string | Buffer | number)[]): Promise<unknown>
  connect(): Promise<unknown>
  duplicate(override?: object): unknown
  on(event: string, listener: () => void): unknown
  off(event: string, listener: () => void): unknown
}

/** What is used of an ioredis `Cluster`. */
export interface IoredisCluster extends Omit<IoredisClient, 'duplicate'> {
  nodes(role?: 'master' | 'slave' | 'all'): unknown[]
}

/** Methods that the driver has and its types leave out. `callBuffer` fails under `enableAutoPipelining`. */
interface Evaluating {
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
  const evaluating = client as unknown as Evaluating
  const corker = 'nodes' in client ? undefined : createCorker(client)
  const serversOf = (role: 'master' | 'all') => ('nodes' in client ? client.nodes(role) : [client]) as IoredisClient[]

  return {
    isCluster: client.isCluster,

    async firstConnection() {
      // A lazy one connects with its first command, which is about to come.
      if (client.status === 'wait') client.connect().catch(() => {})
      if (client.status === 'connecting' || client.status === 'connect') {
        await firstOf(client, 'ready', 'error', 'close', 'end')
      }
    },

    expectMore: () => corker?.expectMore(),

    evaluate(command, script, keys, args) {
      corker?.next()
      const all = args as readonly Argument[] as Buffer[]
      return command === 'EVALSHA'
        ? evaluating.evalshaBuffer(script, keys.length, ...keys, ...all)
        : evaluating.evalBuffer(script, keys.length, ...keys, ...all)
    },

    async nodes() {
      return serversOf('master').map((node): RedisNode => ({ call: (command, ...args) => node.call(command, args) }))
    },

    subscriber(message, ended) {
      const servers = serversOf('all')
      // Any server of a Cluster hears what is published on another.
      const server = servers[Math.floor(Math.random() * servers.length)]
      if (server === undefined) return Promise.reject(new Error('no server of the Cluster is known'))
      // Whoever watches has to know when it is cut off: reconnecting and subscribing anew is not left to the driver.
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

/**
 * So many commands leave together: while Redis works on them the next are made. In one write, however many there are, all
 * who are asked together wait for each other: a sixth fewer first deliveries and a fifth fewer duplicates.
 */
const MOST_TOGETHER = 16

/**
 * The driver writes each command by itself. What is asked in one turn of the event loop leaves in few writes, the last at
 * its end: a seventh less CPU for a first delivery, a fifth for a duplicate, with 64 under way.
 */
function createCorker(client: IoredisClient): { expectMore(): void; next(): void } {
  let corked: IoredisClient['stream']
  let together = 0

  function expectMore(): void {
    const { stream } = client
    if (stream === undefined || stream === corked) return
    corked = stream
    together = 0
    stream.cork()
    setImmediate(() => {
      corked = undefined
      stream.uncork()
    })
  }

  return {
    expectMore,

    /** To be called before each command. */
    next() {
      expectMore()
      if (together++ < MOST_TOGETHER || corked === undefined) return
      together = 1
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
  connection.on('error', () => {}) // its end tells the same
  connection.on('message', message)
  await connection.connect()
  connection.on('end', ended)
  return {
    subscribe: channel => connection.subscribe(channel),
    unsubscribe: channel => void connection.unsubscribe(channel).catch(() => {}),
    close: () => connection.disconnect(),
  }
}
