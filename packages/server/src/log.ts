import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { EVENTS_CHANNEL, type HookonceEvent } from 'hookonce'
import { type Logger, pino } from 'pino'
import { harmlessJson } from './harmless.js'
import { keysShown, type LogKeys } from './log-keys.js'

/** JSON lines on stdout. */
export function createLogger(level: string): Logger {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: describeError },
    hooks: { streamWrite: harmlessJson },
  }
  // Without `sync` the last lines before an exit come out of order.
  return pino(options, pino.destination({ fd: 1, sync: true }))
}

const DEADLINE_MISSED =
  'the handler took longer than the sender waits, so that it delivers again; mode inbox acknowledges at once'

const FULL = 'the source keeps as much as it may: what is new is answered 507'
const ROOM_AGAIN = 'the source has room again'

/** What Node and the library warn of: lines of the log, and not of stderr, where Node itself would print them. */
export function logWarnings(log: Logger): void {
  process.removeAllListeners('warning')
  process.on('warning', ({ name, message, code }: NodeJS.ErrnoException) => log.warn({ warning: name, code }, message))
}

/**
 * Writes down what the receiver has to say, from now on: the lines an operator needs when something goes wrong. Returns
 * what ends that.
 */
export function logEvents(log: Logger, keys: LogKeys): () => void {
  const levels = { handler_threw: 'error', receiver_failed: 'error', result_dropped: 'error' } as const
  const shownKey = keysShown(log, keys)
  const hear = (message: unknown) => {
    const { type, scope: source, key, requestId, ...facts } = message as HookonceEvent
    if (type === 'source_full') return log.warn({ source, ...facts }, 'full' in facts && facts.full ? FULL : ROOM_AGAIN)
    const level = type in levels ? levels[type as keyof typeof levels] : 'warn'
    const { error, ...rest } = facts as { error?: unknown; durationMs?: number }
    const shown = {
      source,
      key: shownKey(key),
      requestId: requestId ?? undefined,
      ...rest,
      ...(rest.durationMs !== undefined && { durationMs: Number(rest.durationMs.toFixed(1)) }),
      ...(error !== undefined && { err: error }),
    }
    log[level](shown, type === 'deadline_missed' ? DEADLINE_MISSED : type.replaceAll('_', ' '))
  }
  subscribe(EVENTS_CHANNEL, hear)
  return () => void unsubscribe(EVENTS_CHANNEL, hear)
}

/** JSON.parse quotes its input in the message, and a delivery's body is not for logs. */
function describeError(error: unknown) {
  if (!(error instanceof Error)) return { type: typeof error }
  const { name, code } = error as NodeJS.ErrnoException
  const frames = error.stack
    ?.split('\n')
    .filter(line => /^\s+at /.test(line))
    .join('\n')
  return { type: name, code, ...(!(error instanceof SyntaxError) && { message: error.message }), stack: frames }
}
