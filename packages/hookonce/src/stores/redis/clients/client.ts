/** The few things the store does with a client, whichever library it is of. */
export interface RedisClient {
  readonly isCluster: boolean
  /** Runs a script of keys in one slot. Answers are binary-safe: strings arrive as buffers. */
  evaluate(
    command: 'EVALSHA' | 'EVAL',
    script: string,
    keys: readonly string[],
    args: readonly Argument[],
  ): Promise<unknown>
  /** Resolves when the first connection is made or has failed, at once where nobody is connecting. */
  firstConnection(): Promise<void>
  /** Says that answers came, which may lead to commands: those leave before the responses are written that come of them. */
  expectMore?(): void
  /** The servers that records are written to; none as long as a Cluster's are not known. */
  nodes(): Promise<RedisNode[]>
  /** Why there is no connection, where that is known. */
  trouble?(): unknown
  /** A connection of its own for pushed messages. `ended` is called once, when it can no longer be used. */
  subscriber(message: (channel: string) => void, ended: () => void): Promise<Subscriber>
  /** Calls back whenever a connection is made anew, where the library tells. Returns what ends that. */
  onConnected(listener: () => void): () => void
}

export type Argument = string | Uint8Array

export interface RedisNode {
  /** Strings arrive as text. */
  call(command: string, ...args: string[]): Promise<unknown>
}

export interface Subscriber {
  /** Resolves when the server confirmed it. */
  subscribe(channel: string): Promise<unknown>
  unsubscribe(channel: string): void
  close(): void
}

interface Emitter {
  on(event: string, listener: () => void): unknown
  off(event: string, listener: () => void): unknown
}

/** Resolves with the first of the events. */
export function firstOf(emitter: Emitter, ...events: string[]): Promise<void> {
  return new Promise(resolve => {
    const heard = () => {
      for (const event of events) emitter.off(event, heard)
      resolve()
    }
    for (const event of events) emitter.on(event, heard)
  })
}
