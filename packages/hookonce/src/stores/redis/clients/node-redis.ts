import { firstOf, type RedisClient, type RedisNode, type Subscriber } from './client.js'

/** What is used of a client that `createClient` of the package `redis` makes. */
export interface NodeRedisClient {
  readonly isOpen: boolean
  readonly isReady: boolean
  readonly options: object
  sendCommand(args: readonly (string | Buffer)[], options?: object): Promise<unknown>
  duplicate(overrides?: object): unknown
  on(event: string, listener: () => void): unknown
  off(event: string, listener: () => void): unknown
}

/** What is used of a client that `createCluster` of the package `redis` makes. */
export interface NodeRedisCluster {
  readonly isOpen: boolean
  readonly masters: unknown[]
  nodeClient(node: never): Promise<unknown>
  sendCommand(
    firstKey: string | Buffer | undefined,
    isReadonly: boolean | undefined,
    args: (string | Buffer)[],
    options?: object,
  ): Promise<unknown>
}

interface Connection {
  readonly options: { socket?: object }
  connect(): Promise<unknown>
  subscribe(channel: string, listener: (message: string, channel: string) => void): Promise<unknown>
  unsubscribe(channel: string): Promise<unknown>
  destroy(): void
  on(event: string, listener: () => void): unknown
}

/** RESP's `$`: strings as buffers. */
const AS_BYTES = { typeMapping: { 36: Buffer } }
const AS_TEXT = { typeMapping: {} }

export function isNodeRedis(client: object): client is NodeRedisClient | NodeRedisCluster {
  // A client of `createSentinel` is neither: it takes commands in another way.
  return 'sendCommand' in client && ('nodeClient' in client || ('isReady' in client && !('getMasterNode' in client)))
}

export function nodeRedisClient(client: NodeRedisClient | NodeRedisCluster): RedisClient {
  const isCluster = 'nodeClient' in client
  const servers = async () =>
    (isCluster
      ? await Promise.all(client.masters.map(master => client.nodeClient(master as never)))
      : [client]) as NodeRedisClient[]

  return {
    isCluster,

    async firstConnection() {
      if (!isCluster && client.isOpen && !client.isReady) await firstOf(client, 'ready', 'reconnecting', 'end')
    },

    evaluate(command, script, keys, args) {
      const words = [command, script, `${keys.length}`, ...keys, ...(args as readonly (string | Buffer)[])]
      return isCluster ? client.sendCommand(keys[0], false, words, AS_BYTES) : client.sendCommand(words, AS_BYTES)
    },

    async nodes() {
      return (await servers()).map(
        (node): RedisNode => ({ call: (command, ...args) => node.sendCommand([command, ...args], AS_TEXT) }),
      )
    },

    async subscriber(message, ended) {
      const all = await servers()
      // Any server of a Cluster hears what is published on another.
      const server = all[Math.floor(Math.random() * all.length)]
      if (server === undefined) throw new Error('no server of the Cluster is known')
      return connect(server, message, ended)
    },

    onConnected(listener) {
      if (isCluster) return () => {}
      client.on('ready', listener)
      return () => void client.off('ready', listener)
    },
  }
}

async function connect(
  server: NodeRedisClient,
  message: (channel: string) => void,
  ended: () => void,
): Promise<Subscriber> {
  const { socket } = server.options as Connection['options']
  // Whoever watches has to know when it is cut off: reconnecting and subscribing anew is not left to the driver.
  const connection = server.duplicate({ socket: { ...socket, reconnectStrategy: false } }) as Connection
  let connected = false
  connection.on('error', () => {
    if (!connected) return
    connected = false
    ended()
  })
  await connection.connect()
  connected = true
  const heard = (_: string, channel: string) => message(channel)
  return {
    subscribe: channel => connection.subscribe(channel, heard),
    unsubscribe: channel => void connection.unsubscribe(channel).catch(() => {}),
    close() {
      connected = false
      connection.destroy()
    },
  }
}
