import { createReceiver, type Inbox, type Receiver } from 'hookonce'
import type { Logger } from 'pino'
import type { Agent } from 'undici'
import { Activity } from './activity/index.js'
import type { ResolvedConfig } from './config.js'
import { createForwardAgent } from './handlers/forward.js'
import { hear } from './hear.js'
import { inboxOf } from './inbox.js'
import { createLogger, logEvents, logWarnings } from './log.js'
import { Metrics } from './metrics/index.js'
import { type OpenedStore, openStore } from './open-store.js'
import { expectShortLives } from './short-lives.js'
import { failFast } from './shutdown.js'
import { StoreFigures } from './store-figures.js'
import { startTelemetry, type Telemetry } from './telemetry/index.js'

/** What a server and a worker are made of. */
export interface Parts {
  log: Logger
  opened: OpenedStore
  receiver: Receiver
  inbox: Inbox
  agent: Agent
  activity: Activity
  metrics: Metrics
  telemetry: Telemetry | undefined
}

/** Opens the store and makes what works on it. @throws {StartError} */
export async function assemble(config: ResolvedConfig): Promise<Parts> {
  expectShortLives()
  const log = createLogger(config.logLevel)
  failFast(log)
  logWarnings(log)
  for (const { kind, message, fix } of config.secretWarnings) {
    // Of short ones the library warns itself.
    if (kind !== 'short') log.warn({ fix }, message)
  }
  const { maxWaiters, storeOptions } = config
  const opened = await openStore(config.store, storeOptions, log)
  // Each source says all of its rules itself. The store's time limit is measured by a lease.
  const { lockTtlMs, leaseMs } = config.sources.get('default')!.options
  const { storeTimeoutMs } = storeOptions
  const receiver = createReceiver({ store: opened.store, lockTtlMs, leaseMs, storeTimeoutMs, maxWaiters })
  logEvents(log)
  const figures = new StoreFigures(opened.store, config.sources)
  const metrics = new Metrics({ sources: config.sources, figures, running: receiver.running })
  const telemetry = await startTelemetry(process.env, metrics, log)
  const agent = createForwardAgent()
  const activity = new Activity({ sources: config.sources, figures })
  hear(metrics, activity)
  const tracing = telemetry?.tracing
  const inbox = inboxOf(config, receiver, { agent, log }, tracing)
  return { log, opened, receiver, inbox, agent, activity, metrics, telemetry }
}
