import { type Breaker, createReceiver, type Inbox, type Journal, processName, type Receiver } from 'hookonce'
import { memoryJournal } from 'hookonce/stores/memory'
import type { Logger } from 'pino'
import type { ResolvedConfig } from '../config/resolve.js'
import { AttemptLog } from '../deliveries/attempt-log.js'
import { breakersOf } from '../deliveries/breakers.js'
import { inboxOf } from '../deliveries/inbox.js'
import { createForwardAgent, type ForwardAgent } from '../http/exchange.js'
import { Duplicates } from '../journal/duplicates.js'
import { EventIndex } from '../journal/event-index.js'
import { Figures } from '../journal/figures.js'
import { JournalWriter } from '../journal/writer.js'
import { Activity } from '../observability/activity/index.js'
import { createLogger, logEvents, logWarnings } from '../observability/log.js'
import { Metrics } from '../observability/metrics/index.js'
import { StoreStatsCache } from '../observability/store-stats.js'
import { startTelemetry, type Telemetry } from '../observability/telemetry/index.js'
import { type OpenedStore, openStore } from './open-store.js'
import { failFast } from './shutdown.js'
import { disablePretenuring } from './v8.js'

/** What a server and a worker have in common. */
export interface Parts {
  log: Logger
  opened: OpenedStore
  receiver: Receiver
  inbox: Inbox
  /** By source. */
  breakers: ReadonlyMap<string, Breaker>
  agent: ForwardAgent
  activity: Activity
  metrics: Metrics
  journal: Journal
  journalWriter: JournalWriter
  eventIndex: EventIndex | undefined
  figures: Figures
  duplicates: Duplicates
  telemetry: Telemetry | undefined
}

/** Opens the store and creates what works on it. @throws {StartError} */
export async function assemble(config: ResolvedConfig): Promise<Parts> {
  disablePretenuring()
  const log = createLogger(config.logLevel, config.logFormat)
  failFast(log)
  logWarnings(log)
  for (const { kind, message, fix } of config.secretWarnings) {
    // The library itself warns about short ones.
    if (kind !== 'short') log.warn({ fix }, message)
  }
  const { maxWaiters, storeOptions } = config
  const opened = await openStore(config.store, storeOptions, log)
  // Every source sets all of its rules; the receiver checks the store's time limit against the lease.
  const { lockTtlMs, leaseMs } = config.sources.get('default')!.options
  const { storeTimeoutMs } = storeOptions
  logEvents(log, config.logKeys)
  const storeStats = new StoreStatsCache(opened.store, config.sources)
  const metrics = new Metrics({ sources: config.sources, storeStats, running: () => receiver.running() })
  const telemetry = await startTelemetry(process.env, metrics, log)
  const traces = telemetry?.traces
  const store = traces?.store(opened.store) ?? opened.store
  const receiver = createReceiver({ store, lockTtlMs, leaseMs, storeTimeoutMs, maxWaiters })
  const agent = createForwardAgent()
  // Of a store without one it ends with this process.
  const journal = opened.store.journal ?? memoryJournal()
  const journalWriter = new JournalWriter(journal, log)
  const eventIndex = config.hasEventIndex ? new EventIndex(journalWriter, log) : undefined
  const duplicates = new Duplicates(journal, config.sources, log)
  const figures = new Figures(processName(), journalWriter)
  const activity = new Activity({ sources: config.sources, storeStats, metrics, figures, duplicates })
  activity.subscribe()
  const attemptLog = new AttemptLog(config, log, traces)
  attemptLog.subscribe()
  const breakers = breakersOf(config)
  const inbox = inboxOf(config, receiver, { agent, metrics, journalWriter, eventIndex, breakers, traces, attemptLog })
  return {
    log,
    opened,
    receiver,
    inbox,
    breakers,
    agent,
    activity,
    metrics,
    journal,
    journalWriter,
    eventIndex,
    figures,
    duplicates,
    telemetry,
  }
}
