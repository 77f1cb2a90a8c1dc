import { StoreError } from '../../errors.js'
import { systemClock } from '../../util/clock.js'
import { TimeLimits } from '../../util/time-limits.js'
import type { Argument, RedisClient } from './clients/client.js'
import { codeOf, failureOf, messageOf } from './errors.js'

export interface Script {
  readonly sha: string
  readonly text: string
}

interface Command {
  script: Script
  keys: readonly string[]
  args: readonly Argument[]
  decode(reply: unknown): unknown
  resolve(value: unknown): void
  reject(error: Error): void
  limitMs: number
  giveUpAt: number
  /** Lifts the time limit; there until the command is settled. */
  lift: (() => void) | undefined
  resendable: boolean
  /** A send of it is without an answer. */
  inFlight: boolean
  /** A send of it may have been carried out. */
  doubtful: boolean
  retryMs: number
  failure: unknown
}

const FIRST_RETRY_MS = 10
const LAST_RETRY_MS = 160
/** With a time limit after it, less than a server's start may take: then the reason is told. */
const LONGEST_CONNECT_MS = 3_000

export type Commands = ReturnType<typeof createCommands>

/**
 * Runs scripts, each under a deadline of its own: a driver may never settle what it was asked on a dead connection.
 * Within it a command is sent again after failures that pass; the contract makes that safe, as attempts are named.
 */
export function createCommands(opening: Promise<RedisClient>, timeoutMs: number) {
  const limits = new TimeLimits(systemClock)
  let pending = 0
  /** Once there was a connection, or is none. */
  let client: RedisClient | undefined
  let connecting: Promise<void> | undefined
  let stopWaiting = () => {}
  let closed = false
  let idle: (() => void) | undefined
  let toldOfFailure = () => {}

  /** No command's time limit pays for the first connection, which may be resolved, made secret and logged in on. */
  async function connect(): Promise<void> {
    const opened = await opening
    await new Promise<void>(resolve => {
      const lift = limits.start(LONGEST_CONNECT_MS, resolve)
      stopWaiting = () => {
        lift()
        resolve()
      }
      if (closed) stopWaiting()
      else opened.firstConnection().then(stopWaiting)
    })
    client = opened
  }

  function start(command: Command): void {
    const now = performance.now()
    command.giveUpAt = now + command.limitMs
    command.lift = limits.start(command.limitMs, () => giveUp(command), now)
    send(command, client!)
  }

  function send(command: Command, client: RedisClient): void {
    command.inFlight = true
    client.evaluate('EVALSHA', command.script.sha, command.keys, command.args).then(
      reply => answered(command, reply),
      error => {
        if (codeOf(error) !== 'NOSCRIPT') failed(command, error)
        else sendWhole(client, command)
      },
    )
  }

  /** A server that does not know the script learns it. */
  function sendWhole(client: RedisClient, command: Command): void {
    client.evaluate('EVAL', command.script.text, command.keys, command.args).then(
      reply => answered(command, reply),
      error => failed(command, error),
    )
  }

  function answered(command: Command, reply: unknown): void {
    client?.expectMore?.()
    settle(command, () => {
      try {
        command.resolve(command.decode(reply))
      } catch (error) {
        command.reject(
          new StoreError(`redis store: ${command.keys[0]} holds no record (${messageOf(error)})`, 'refused'),
        )
      }
    })
  }

  function failed(command: Command, error: unknown): void {
    toldOfFailure()
    const { unsent, doubtful, passing } = failureOf(error)
    command.inFlight = false
    command.doubtful ||= doubtful
    command.failure = (unsent && client?.trouble?.()) || error
    const pauseMs = command.retryMs * (0.5 + Math.random() / 2)
    command.retryMs = Math.min(2 * command.retryMs, LAST_RETRY_MS)
    const again = passing && (command.resendable || !doubtful) && performance.now() + pauseMs < command.giveUpAt
    if (again) setTimeout(() => command.lift && send(command, client!), pauseMs)
    else giveUp(command)
  }

  function giveUp(command: Command): void {
    const { inFlight, doubtful, failure, limitMs } = command
    if (inFlight) toldOfFailure()
    const reason = failure === undefined ? `no answer within ${limitMs} ms` : messageOf(failure)
    settle(command, () =>
      command.reject(
        new StoreError(`redis store: ${reason}`, inFlight || doubtful ? 'unknown' : 'refused', { cause: failure }),
      ),
    )
  }

  function settle(command: Command, tell: () => void): void {
    if (command.lift === undefined) return
    command.lift()
    command.lift = undefined
    pending--
    tell()
    if (pending === 0) idle?.()
  }

  function refuseIfClosed(): void {
    if (closed) throw new StoreError('redis store: it is closed', 'refused')
  }

  return {
    refuseIfClosed,

    /** Once there was a connection: no turn of the event loop is waited for it any more. */
    client: () => client,

    /** Rejects with a {@link StoreError} where there is no way to Redis at all. */
    opened(): Promise<RedisClient> {
      return opening.catch(error => {
        throw new StoreError(messageOf(error), 'refused', { cause: error })
      })
    },

    /**
     * Resolves with what `decode` makes of the reply, or rejects with a {@link StoreError}. What is not `resendable` is
     * not sent again once it may have been carried out. An answer is waited for at least `leastMs`.
     */
    run<T>(
      script: Script,
      keys: string | readonly string[],
      args: readonly Argument[],
      decode: (reply: unknown) => T,
      { resendable = true, leastMs = 0 }: { resendable?: boolean; leastMs?: number } = {},
    ): Promise<T> {
      return new Promise<T>((resolve, reject) => {
        refuseIfClosed()
        const command: Command = {
          script,
          keys: typeof keys === 'string' ? [keys] : keys,
          args,
          decode,
          resolve: resolve as Command['resolve'],
          reject,
          limitMs: Math.max(timeoutMs, leastMs),
          giveUpAt: 0,
          lift: undefined,
          resendable,
          inFlight: false,
          doubtful: false,
          retryMs: FIRST_RETRY_MS,
          failure: undefined,
        }
        pending++
        if (client !== undefined) return start(command)
        connecting ??= connect()
        connecting.then(
          () => start(command),
          error => {
            command.lift = () => {}
            settle(command, () => reject(new StoreError(messageOf(error), 'refused', { cause: error })))
          },
        )
      })
    },

    /** Calls back whenever a command fails or has no answer in time, before anything else does. */
    onFailure(listener: () => void): void {
      toldOfFailure = listener
    },

    /** Has closing wait for what is more than one command. */
    async during<T>(work: () => Promise<T>): Promise<T> {
      refuseIfClosed()
      pending++
      try {
        return await work()
      } finally {
        if (--pending === 0) idle?.()
      }
    },

    /** From here on nothing is taken; resolves when what was taken is settled. */
    close(): Promise<void> {
      closed = true
      stopWaiting()
      return new Promise(resolve => {
        if (pending === 0) return resolve()
        const before = idle
        idle = () => {
          before?.()
          resolve()
        }
      })
    },
  }
}
