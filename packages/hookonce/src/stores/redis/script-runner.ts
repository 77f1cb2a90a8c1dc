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
  /** Ends the time limit; `undefined` once the command is settled. */
  endLimit: (() => void) | undefined
  resendable: boolean
  /** It was sent and has no reply yet. */
  inFlight: boolean
  /** An earlier send of it may have been executed. */
  maybeExecuted: boolean
  retryMs: number
  failure: unknown
}

const FIRST_RETRY_MS = 10
const LAST_RETRY_MS = 160
/** Together with a command's own limit less than the server's limit for a start, so that the reason is reported. */
const LONGEST_CONNECT_MS = 3_000

export type Commands = ReturnType<typeof createCommands>

/**
 * Runs scripts, each with its own time limit, because a driver may never settle a command on a dead connection. Within the
 * limit a command is sent again after transient failures. That is safe because each attempt has a lease id.
 */
export function createCommands(opening: Promise<RedisClient>, timeoutMs: number) {
  const limits = new TimeLimits(systemClock)
  let pending = 0
  /** Set once the first connection was made or has failed. */
  let client: RedisClient | undefined
  let connecting: Promise<void> | undefined
  let stopConnecting = () => {}
  let closed = false
  let idle: (() => void) | undefined
  let failureListener = () => {}

  /** The first connection (DNS, TLS, login) does not count towards a command's time limit. */
  async function connect(): Promise<void> {
    const opened = await opening
    await new Promise<void>(resolve => {
      const endLimit = limits.start(LONGEST_CONNECT_MS, resolve)
      stopConnecting = () => {
        endLimit()
        resolve()
      }
      if (closed) stopConnecting()
      else opened.firstConnection().then(stopConnecting)
    })
    client = opened
  }

  function start(command: Command): void {
    const now = performance.now()
    command.giveUpAt = now + command.limitMs
    command.endLimit = limits.start(command.limitMs, () => giveUp(command), now)
    send(command, client!)
  }

  function send(command: Command, client: RedisClient): void {
    command.inFlight = true
    client.evaluate('EVALSHA', command.script.sha, command.keys, command.args).then(
      reply => onReply(command, reply),
      error => {
        if (codeOf(error) !== 'NOSCRIPT') onError(command, error)
        else sendSource(client, command)
      },
    )
  }

  /** The server caches the script. */
  function sendSource(client: RedisClient, command: Command): void {
    client.evaluate('EVAL', command.script.text, command.keys, command.args).then(
      reply => onReply(command, reply),
      error => onError(command, error),
    )
  }

  function onReply(command: Command, reply: unknown): void {
    client?.batchWrites?.()
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

  function onError(command: Command, error: unknown): void {
    failureListener()
    const { unsent, maybeExecuted, transient } = failureOf(error)
    command.inFlight = false
    command.maybeExecuted ||= maybeExecuted
    command.failure = (unsent && client?.connectionError?.()) || error
    const pauseMs = command.retryMs * (0.5 + Math.random() / 2)
    command.retryMs = Math.min(2 * command.retryMs, LAST_RETRY_MS)
    const mayResend = transient && (command.resendable || !maybeExecuted)
    const again = mayResend && performance.now() + pauseMs < command.giveUpAt
    if (again) setTimeout(() => command.endLimit && send(command, client!), pauseMs)
    else giveUp(command)
  }

  function giveUp(command: Command): void {
    const { inFlight, maybeExecuted, failure, limitMs } = command
    if (inFlight) failureListener()
    const reason = failure === undefined ? `no answer within ${limitMs} ms` : messageOf(failure)
    settle(command, () =>
      command.reject(
        new StoreError(`redis store: ${reason}`, inFlight || maybeExecuted ? 'unknown' : 'refused', { cause: failure }),
      ),
    )
  }

  function settle(command: Command, report: () => void): void {
    if (command.endLimit === undefined) return
    command.endLimit()
    command.endLimit = undefined
    pending--
    report()
    if (pending === 0) idle?.()
  }

  function refuseIfClosed(): void {
    if (closed) throw new StoreError('redis store: it is closed', 'refused')
  }

  return {
    refuseIfClosed,

    /** The client once the first connection was made or has failed. Spares the hot path an `await`. */
    client: () => client,

    /** Rejects with a {@link StoreError} where there is no way to Redis at all. */
    opened(): Promise<RedisClient> {
      return opening.catch(error => {
        throw new StoreError(messageOf(error), 'refused', { cause: error })
      })
    },

    /**
     * Resolves with what `decode` makes of the reply, or rejects with a {@link StoreError}. A command that is not
     * `resendable` is not sent again once it may have been executed. The time limit is `minTimeoutMs` or more.
     */
    run<T>(
      script: Script,
      keys: string | readonly string[],
      args: readonly Argument[],
      decode: (reply: unknown) => T,
      { resendable = true, minTimeoutMs = 0 }: { resendable?: boolean; minTimeoutMs?: number } = {},
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
          limitMs: Math.max(timeoutMs, minTimeoutMs),
          giveUpAt: 0,
          endLimit: undefined,
          resendable,
          inFlight: false,
          maybeExecuted: false,
          retryMs: FIRST_RETRY_MS,
          failure: undefined,
        }
        pending++
        if (client !== undefined) return start(command)
        connecting ??= connect()
        connecting.then(
          () => start(command),
          error => {
            command.endLimit = () => {}
            settle(command, () => reject(new StoreError(messageOf(error), 'refused', { cause: error })))
          },
        )
      })
    },

    /** Calls back when a command fails or gets no reply in time, before anything else does. */
    onFailure(listener: () => void): void {
      failureListener = listener
    },

    /** `close` waits for work of several commands as it does for one. */
    async during<T>(work: () => Promise<T>): Promise<T> {
      refuseIfClosed()
      pending++
      try {
        return await work()
      } finally {
        if (--pending === 0) idle?.()
      }
    },

    /** Refuses further commands; resolves when all earlier ones are settled. */
    close(): Promise<void> {
      closed = true
      stopConnecting()
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
