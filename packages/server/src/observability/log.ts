import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { EVENTS_CHANNEL, type HookonceEvent } from 'hookonce'
import { type LogFn, type Logger, pino } from 'pino'
import type { Settings } from '../config/settings.js'
import { terminalSafeJson } from './escape.js'
import { keyFormatter, type LogKeys } from './log-keys.js'
import { prettyPrinter } from './pretty.js'
import { stylesFor } from './styles.js'

export type LogFormat = NonNullable<Settings['logFormat']>

/** The buffer while stdout is blocked; further lines are dropped. */
const MAX_BUFFERED_BYTES = 1_048_576

/** The time limit of the flush at exit. */
const FLUSH_MS = 1_000

/** Lines on stdout. Logging never blocks and never throws. */
export function createLogger(level: string, format: LogFormat): Logger {
  let giveUpAt = Number.POSITIVE_INFINITY
  const limitFlush = () => {
    giveUpAt = Math.min(giveUpAt, performance.now() + FLUSH_MS)
  }
  // Creating Node's own stream makes a pipe non-blocking. A write to a full pipe is then retried; a blocked one would keep
  // a thread, and with it the process.
  void process.stdout
  const out = pino.destination({
    fd: 1,
    sync: false,
    // Otherwise a flush calls back before the lines are written.
    minLength: 1,
    maxLength: MAX_BUFFERED_BYTES,
    retryEAGAIN: () => performance.now() < giveUpAt,
  })
  flushOnlyWhatWorks(out)
  process.prependListener('exit', () => {
    limitFlush()
    try {
      out.flushSync()
    } catch {
      // The reader is gone.
    }
    // Otherwise pino retries forever.
    out.destroy()
  })
  const log = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: label => ({ level: label }) },
      serializers: { err: describeError },
      hooks: {
        streamWrite:
          format === 'pretty' ? prettyPrinter(stylesFor(process.stdout), level === 'debug') : terminalSafeJson,
        logMethod(args, method, level) {
          // Pino flushes synchronously after a fatal line.
          if (level === log.levels.values.fatal) limitFlush()
          logSafely(this, args, method)
        },
      },
    },
    out,
  )
  reportDropped(out, log)
  return log
}

/**
 * A flush that fails is tried for ever again, whatever the reason: a terminal that was closed, a full disk. After a failed
 * write the buffer waits for the next line instead.
 */
function flushOnlyWhatWorks(out: ReturnType<typeof pino.destination>): void {
  const flush = out.flushSync.bind(out)
  let works = true
  out.on('error', () => {
    works = false
  })
  out.on('write', () => {
    works = true
  })
  out.flushSync = () => {
    if (works) flush()
  }
}

/** Reports dropped lines once stdout accepts lines again. */
function reportDropped(out: NodeJS.EventEmitter, log: Logger): void {
  let lines = 0
  out.on('drop', () => lines++)
  out.on('drain', () => {
    if (lines === 0) return
    log.warn({ lines }, 'log lines were dropped: stdout was blocked')
    lines = 0
  })
}

/** A value that cannot be serialised (an error whose message throws) must not throw at the caller. */
function logSafely(log: Logger, args: Parameters<LogFn>, method: LogFn): void {
  try {
    method.apply(log, args)
  } catch {
    method.apply(log, [args.find(arg => typeof arg === 'string') ?? 'a line that cannot be serialised'])
  }
}

/** Resolves when every line is written, or at the time limit. */
export function flushed(log: Logger): Promise<void> {
  return new Promise(resolve => {
    setTimeout(resolve, FLUSH_MS)
    log.flush(() => resolve())
  })
}

const DEADLINE_MISSED =
  'the handler took longer than the sender waits, so that it delivers again; mode inbox acknowledges at once'

const FULL = 'the source is at its limit of records or bytes: deliveries with a new key are answered 507'
const NOT_FULL = 'the source is below its limits again'

/** Logs the process warnings of Node and of the library, instead of printing them on stderr. */
export function logWarnings(log: Logger): void {
  process.removeAllListeners('warning')
  process.on('warning', ({ name, message, code }: NodeJS.ErrnoException) => log.warn({ warning: name, code }, message))
}

/** Logs the receiver's events, until the returned function is called. */
export function logEvents(log: Logger, keys: LogKeys): () => void {
  const levels = { handler_threw: 'error', receiver_failed: 'error', result_dropped: 'error' } as const
  const formatKey = keyFormatter(log, keys)
  const onEvent = (message: unknown) => {
    const { type, scope: source, key, requestId, ...facts } = message as HookonceEvent
    if (type === 'source_full') return log.warn({ source, ...facts }, 'full' in facts && facts.full ? FULL : NOT_FULL)
    const level = type in levels ? levels[type as keyof typeof levels] : 'warn'
    const { error, ...rest } = facts as { error?: unknown; durationMs?: number }
    const shown = {
      source,
      key: formatKey(key),
      requestId: requestId ?? undefined,
      ...rest,
      ...(rest.durationMs !== undefined && { durationMs: Number(rest.durationMs.toFixed(1)) }),
      ...(error !== undefined && { err: error }),
    }
    log[level](shown, type === 'deadline_missed' ? DEADLINE_MISSED : type.replaceAll('_', ' '))
  }
  subscribe(EVENTS_CHANNEL, onEvent)
  return () => void unsubscribe(EVENTS_CHANNEL, onEvent)
}

/** Without the message of a SyntaxError: JSON.parse quotes its input, which may be a delivery's body. */
function describeError(error: unknown) {
  if (!(error instanceof Error)) return { type: typeof error }
  const { name, code } = error as NodeJS.ErrnoException
  const frames = error.stack
    ?.split('\n')
    .filter(line => /^\s+at /.test(line))
    .join('\n')
  return { type: name, code, ...(!(error instanceof SyntaxError) && { message: error.message }), stack: frames }
}
