import { constants } from 'node:os'
import { setImmediate, setTimeout } from 'node:timers/promises'
import type { Inbox, Receiver } from 'hookonce'
import type { Logger } from 'pino'
import type { Gate } from '../deliveries/in-flight.js'
import type { Duplicates } from '../journal/duplicates.js'
import type { EventIndex } from '../journal/event-index.js'
import type { Figures } from '../journal/figures.js'
import type { Heartbeat } from '../journal/heartbeat.js'
import { flushed } from '../observability/log.js'
import type { Telemetry } from '../observability/telemetry/index.js'
import type { Listening } from './listen.js'

export interface ShutdownContext {
  gate: Gate
  receiver: Receiver
  inbox: Inbox
  listening: Listening
  eventIndex: EventIndex | undefined
  figures: Figures
  heartbeat: Heartbeat
  duplicates: Duplicates
  telemetry: Telemetry | undefined
  drainMs: number
  log: Logger
}

/** Signals within this time count as one: a terminal signals the whole process group, and npm forwards signals too. */
const SAME_SIGNAL_MS = 1_000

/** Time for aborted attempts to answer and to release their keys, and for the store to close. */
const ABORT_MS = 500

/** Time to export the last spans and metrics. */
const TELEMETRY_MS = 2_000

/** After an uncaught error the state is unknown: the process ends, and its leases run out. */
export function failFast(log: Logger): void {
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, error => {
      log.fatal({ err: error }, event)
      process.exit(1)
    })
  }
}

/** The first signal drains. A signal more than {@link SAME_SIGNAL_MS} later ends the process at once. */
export function shutDownOnSignal(context: ShutdownContext): void {
  let drainingSince: number | undefined
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.on(signal, () => {
      const now = performance.now()
      if (drainingSince !== undefined) {
        if (now - drainingSince > SAME_SIGNAL_MS) process.exit(128 + constants.signals[signal])
        return
      }
      drainingSince = now
      context.log.info({ signal, drainSeconds: context.drainMs / 1000 }, 'shutting down')
      void shutDown(context).then(async code => {
        await Promise.race([context.telemetry?.shutdown(), after(TELEMETRY_MS)])
        await flushed(context.log)
        process.exit(code)
      })
    })
  }
}

async function shutDown(context: ShutdownContext): Promise<0 | 1> {
  const { gate, receiver, inbox, listening, drainMs, log } = context
  const answered = gate.close()
  const settled = Promise.all([answered, receiver.settled(), inbox.stop()])
  const drained = await Promise.race([settled.then(() => true), after(drainMs)])
  if (!drained) {
    log.error({ drainSeconds: drainMs / 1000 }, 'attempts were still running at the end of the drain time')
    receiver.abort()
    await Promise.race([settled, after(ABORT_MS)])
    await Promise.race([signOff(context), after(ABORT_MS)])
    // A process that exits while the store's thread writes may end by SIGABRT.
    await Promise.race([receiver.close(), after(ABORT_MS)]).catch(() => {})
    return 1
  }
  // Answers may still be in flight; idle connections would keep the process alive.
  await Promise.race([listening.close(), after(ABORT_MS)])
  listening.closeAllConnections()
  await Promise.race([signOff(context), after(ABORT_MS)])
  try {
    await receiver.close()
  } catch (error) {
    log.error({ err: error }, 'the store did not close')
    return 1
  }
  log.info('stopped')
  return 0
}

/** Writes what the journal is still to get. */
async function signOff({ eventIndex, figures, heartbeat, duplicates }: ShutdownContext): Promise<void> {
  // Activity of this iteration of the event loop is counted at its end.
  await setImmediate()
  eventIndex?.flush()
  figures.closeMinute()
  await Promise.all([heartbeat.stop(), duplicates.flushed()])
}

async function after(ms: number): Promise<false> {
  await setTimeout(ms)
  return false
}
