import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { EVENTS_CHANNEL, type HookonceEvent } from 'hookonce'
import { type LogFn, type Logger, pino } from 'pino'
import { harmlessJson } from './escape.js'
import { keysShown, type LogKeys } from './log-keys.js'

/** So much waits while nobody takes it from stdout; what comes then is dropped. */
const MOST_WAITING_BYTES = 1_048_576

/** How long the last lines of a process may take to leave. */
const LAST_LINES_MS = 1_000

/** JSON lines on stdout. Whoever logs never waits, and nothing is thrown at them. */
export function createLogger(level: string): Logger {
  let giveUpAt = Number.POSITIVE_INFINITY
  const hurry = () => {
    giveUpAt = Math.min(giveUpAt, performance.now() + LAST_LINES_MS)
  }
  // Node makes a pipe non-blocking when its own stream is made. A write to a full one is tried again later then, and
  // holds no thread, which the process could not end without.
  void process.stdout
  const out = pino.destination({
    fd: 1,
    sync: false,
    // Without it a flush calls back at once, written or not.
    minLength: 1,
    maxLength: MOST_WAITING_BYTES,
    retryEAGAIN: () => performance.now() < giveUpAt,
  })
  // A full disk is no reason to stop; what waits is tried again with the next line.
  out.on('error', () => {})
  process.prependListener('exit', () => {
    hurry()
    try {
      out.flushSync()
    } catch {
      // Nobody reads.
    }
    // Else pino tries the same again, without an end.
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
        streamWrite: harmlessJson,
        logMethod(args, method, level) {
          // Pino flushes after such a line before it goes on.
          if (level === log.levels.values.fatal) hurry()
          logOrSaySo(this, args, method)
        },
      },
    },
    out,
  )
  tellDropped(out, log)
  return log
}

/** Once somebody reads again. */
function tellDropped(out: NodeJS.EventEmitter, log: Logger): void {
  let lines = 0
  out.on('drop', () => lines++)
  out.on('drain', () => {
    if (lines === 0) return
    log.warn({ lines }, 'log lines were dropped: nobody took them from stdout')
    lines = 0
  })
}

/** What cannot be shown, an error whose message throws, is no failure of whoever wanted to log it. */
function logOrSaySo(log: Logger, args: Parameters<LogFn>, method: LogFn): void {
  try {
    method.apply(log, args)
  } catch {
    method.apply(log, [args.find(arg => typeof arg === 'string') ?? 'a line that cannot be shown'])
  }
}

/** Resolves when every line has left, or a moment later. */
export function flushed(log: Logger): Promise<void> {
  return new Promise(resolve => {
    setTimeout(resolve, LAST_LINES_MS)
    log.flush(() => resolve())
  })
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
