import { randomUUID } from 'node:crypto'
import { createReceiver, type Store } from 'hookonce'
import { memoryJournal, memoryStore } from 'hookonce/stores/memory'
import { pino } from 'pino'
import type { SourceConfig } from '../../src/config/file.js'
import type { OperatorAccess } from '../../src/config/operator-access.js'
import { resolveConfig } from '../../src/config/resolve.js'
import { AttemptLog } from '../../src/deliveries/attempt-log.js'
import { breakersOf } from '../../src/deliveries/breakers.js'
import { Gate } from '../../src/deliveries/in-flight.js'
import { inboxOf } from '../../src/deliveries/inbox.js'
import { createForwardAgent } from '../../src/http/exchange.js'
import { Duplicates } from '../../src/journal/duplicates.js'
import { EventIndex } from '../../src/journal/event-index.js'
import { Figures } from '../../src/journal/figures.js'
import { JournalWriter } from '../../src/journal/writer.js'
import { Activity } from '../../src/observability/activity/index.js'
import { logEvents } from '../../src/observability/log.js'
import { type Cut, Metrics } from '../../src/observability/metrics/index.js'
import { StoreStatsCache } from '../../src/observability/store-stats.js'
import { createApp } from '../../src/runtime/app.js'
import { listen } from '../../src/runtime/listen.js'
import { configFile } from './config-file.js'
import { actAsOperator, openedForTests } from './operator.js'
import { temporaryFolder } from './server.js'

export interface AppOptions {
  env?: Record<string, string>
  sources?: Record<string, SourceConfig>
  store?: Store
  /** In the place of what follows from the settings. */
  access?: OperatorAccess
}

const closing: (() => Promise<void>)[] = []

/** The server's routes on a free port, in this process; with a token for operators where it would be closed without. */
export async function startApp({ env = {}, sources = {}, store = memoryStore(), access }: AppOptions = {}) {
  const isConfigured = Object.keys(sources).length > 0
  const opened = openedForTests(env, isConfigured)
  const resolved = await resolveConfig({
    env: { HOOKONCE_STORE_URL: 'memory:', ...opened, ...env },
    folder: isConfigured ? configFile({ sources }) : temporaryFolder(),
  })
  const config = { ...resolved, ...(access !== undefined && { operatorAccess: access }) }
  const { storeOptions, maxWaiters } = config
  const receiver = createReceiver({ store, storeTimeoutMs: storeOptions.storeTimeoutMs, maxWaiters })
  const gate = new Gate(() => {})
  const lines: string[] = []
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) })
  const storeStats = new StoreStatsCache(store, config.sources)
  const metrics = new Metrics({ sources: config.sources, storeStats, running: receiver.running })
  const journal = store.journal ?? memoryJournal()
  const journalWriter = new JournalWriter(journal, log)
  const eventIndex = config.hasEventIndex ? new EventIndex(journalWriter, log) : undefined
  const duplicates = new Duplicates(journal, config.sources, log)
  const figures = new Figures(randomUUID(), journalWriter)
  const activity = new Activity({ sources: config.sources, storeStats, metrics, figures, duplicates })
  const agent = createForwardAgent()
  const attemptLog = new AttemptLog(config, log, undefined)
  const breakers = breakersOf(config)
  const inbox = inboxOf(config, receiver, {
    ...{ agent, metrics, journalWriter, eventIndex, breakers, traces: undefined, attemptLog },
  })
  const unsubscribe = activity.subscribe()
  const stopLogging = logEvents(log, config.logKeys)
  if (config.inboxConcurrency > 0) inbox.start()
  const parts = {
    opened: { store },
    receiver,
    inbox,
    breakers,
    gate,
    agent,
    activity,
    metrics,
    journal,
    journalWriter,
    eventIndex,
    figures,
    log,
  }
  const onRequest = await createApp({ ...parts, config, traces: undefined })
  const limits = { maxConnections: config.maxConnections, onCut: (why: Cut) => metrics.connectionCut(why) }
  const listening = await listen(onRequest, { host: config.host, port: 0, setting: 'port' }, limits)
  closing.push(async () => {
    unsubscribe()
    stopLogging()
    void listening.close()
    listening.closeAllConnections()
    await inbox.stop()
    eventIndex?.flush()
    figures.closeMinute()
    await journalWriter.flushed()
    await duplicates.flushed()
    agent.destroy()
    await receiver.close()
  })
  for (const url of listening.urls) actAsOperator(url, opened)
  const { routes } = onRequest
  return {
    url: listening.urls[0]!,
    urls: listening.urls,
    routes,
    config,
    receiver,
    gate,
    logged: () => lines.join(''),
    // biome-ignore lint/suspicious/noExplicitAny: tests say what they expect of it
    lines: (): any[] => lines.map(line => JSON.parse(line)),
  }
}

export async function closeApps(): Promise<void> {
  await Promise.all(closing.splice(0).map(close => close()))
}
