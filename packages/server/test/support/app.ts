import { createReceiver, type Store } from 'hookonce'
import { memoryStore } from 'hookonce/stores/memory'
import { pino } from 'pino'
import { Agent } from 'undici'
import { Activity } from '../../src/activity/index.js'
import { createApp } from '../../src/app.js'
import { resolveConfig } from '../../src/config.js'
import type { SourceConfig } from '../../src/config-file.js'
import { Gate } from '../../src/gate.js'
import { hear } from '../../src/hear.js'
import { inboxOf } from '../../src/inbox.js'
import { listen } from '../../src/listen.js'
import { type Cut, Metrics } from '../../src/metrics/index.js'
import { StoreFigures } from '../../src/store-figures.js'
import { configFile } from './config-file.js'

export interface AppOptions {
  env?: Record<string, string>
  sources?: Record<string, SourceConfig>
  store?: Store
}

const closing: (() => Promise<void>)[] = []

/** The server's routes on a free port, in this process. */
export async function startApp({ env = {}, sources = {}, store = memoryStore() }: AppOptions = {}) {
  const folder = configFile({ sources })
  const config = await resolveConfig({ env: { HOOKONCE_STORE_URL: 'memory:', ...env }, folder })
  const { storeOptions, maxWaiters } = config
  const receiver = createReceiver({ store, storeTimeoutMs: storeOptions.storeTimeoutMs, maxWaiters })
  const gate = new Gate(() => {})
  const lines: string[] = []
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) })
  const agent = new Agent()
  const inbox = inboxOf(config, receiver, { agent, log })
  if (config.inboxConcurrency > 0) inbox.start()
  const figures = new StoreFigures(store, config.sources)
  const activity = new Activity({ sources: config.sources, figures })
  const metrics = new Metrics({ sources: config.sources, figures, running: receiver.running })
  const stopHearing = hear(metrics, activity)
  const onRequest = await createApp({ config, receiver, inbox, gate, agent, activity, metrics, log })
  const limits = { maxConnections: config.maxConnections, onCut: (why: Cut) => metrics.connectionCut(why) }
  const listening = await listen(onRequest, { host: config.host, port: 0, setting: 'port' }, limits)
  closing.push(async () => {
    stopHearing()
    void listening.close()
    listening.closeAllConnections()
    await inbox.stop()
    await agent.destroy()
    await receiver.close()
  })
  const { routes } = onRequest
  return {
    url: listening.urls[0]!,
    urls: listening.urls,
    routes,
    activity,
    config,
    receiver,
    gate,
    logged: () => lines.join(''),
  }
}

export async function closeApps(): Promise<void> {
  await Promise.all(closing.splice(0).map(close => close()))
}
