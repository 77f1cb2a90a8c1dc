/** What the store needs of a client, whichever library made it. */
export interface RedisClient {
  readonly isCluster: boolean
  /** Runs a script whose keys are in one slot. Strings in the reply are buffers. */
  evaluate(
    command: 'EVALSHA' | 'EVAL',
    script: string,
    keys: readonly string[],
    args: readonly Argument[],
  ): Promise<unknown>
  /** Resolves when the first connection is made or has failed; at once if the client is not connecting. */
  firstConnection(): Promise<void>
  /** Until the end of this tick commands are written together. Called on replies, which usually lead to further commands. */
  batchWrites?(): void
  /** The servers that records are written to; none while those of a Cluster are not known. */
  nodes(): Promise<RedisNode[]>
  /** Why there is no connection, if known. */
  connectionError?(): unknown
  /** Makes a connection for messages. `ended` is called once, when it can no longer be used. */
  subscriber(message: (channel: string) => void, ended: () => void): Promise<Subscriber>
  /** Calls back on each new connection, if the library reports it. Returns a function that ends that. */
  onConnected(listener: () => void): () => void
}

export type Argument = string | Uint8Array

export interface RedisNode {
  /** Strings in the reply are texts. */
  call(command: string, ...args: string[]): Promise<unknown>
}

export interface Subscriber {
  /** Resolves when the server confirmed the subscription. */
  subscribe(channel: string): Promise<unknown>
  unsubscribe(channel: string): void
  close(): void
}

interface Emitter {
  on(event: string, listener: () => void): unknown
  off(event: string, listener: () => void): unknown
}

/** Resolves on the first of the events. */
export function firstOf(emitter: Emitter, ...events: string[]): Promise<void> {
  return new Promise(resolve => {
    const onEvent = () => {
      for (const event of events) emitter.off(event, onEvent)
      resolve()
    }
    for (const event of events) emitter.on(event, onEvent)
  })
}
