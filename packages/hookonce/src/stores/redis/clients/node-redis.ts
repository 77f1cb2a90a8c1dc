import { firstOf, type RedisClient, type RedisNode, type Subscriber } from './client.js'

/** The part of a `createClient` client of the package `redis` that the store uses. */
export interface NodeRedisClient {
  readonly isOpen: boolean
  readonly isReady: boolean
  readonly options: object
  sendCommand(args: readonly (string | Buffer)[], options?: object): Promise<unknown>
  duplicate(overrides?: object): unknown
  on(event: string, listener: () => void): unknown
  off(event: string, listener: () => void): unknown
}

/** The part of a `createCluster` client of the package `redis` that the store uses. */
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

/** Maps RESP's `$`, strings, to buffers. */
const AS_BYTES = { typeMapping: { 36: Buffer } }
const AS_TEXT = { typeMapping: {} }

export function isNodeRedis(client: object): client is NodeRedisClient | NodeRedisCluster {
  // Not a client of `createSentinel`, whose `sendCommand` has other parameters.
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
      // A Cluster forwards messages to all of its servers.
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
  // The watcher reconnects and subscribes itself, because it must know when messages may be missed.
  const connection = server.duplicate({ socket: { ...socket, reconnectStrategy: false } }) as Connection
  let connected = false
  connection.on('error', () => {
    if (!connected) return
    connected = false
    ended()
  })
  await connection.connect()
  connected = true
  const onMessage = (_: string, channel: string) => message(channel)
  return {
    subscribe: channel => connection.subscribe(channel, onMessage),
    unsubscribe: channel => void connection.unsubscribe(channel).catch(() => {}),
    close() {
      connected = false
      connection.destroy()
    },
  }
}
