import { assertAllowed } from '../config/operator-access.js'
import type { ResolvedConfig } from '../config/resolve.js'
import { loopsOf } from '../deliveries/handlers/loop.js'
import { Gate } from '../deliveries/in-flight.js'
import type { Cut } from '../observability/metrics/index.js'
import { createApp } from './app.js'
import { assemble } from './assemble.js'
import { announce } from './banner.js'
import { listen } from './listen.js'
import { shutDownOnSignal } from './shutdown.js'
import { createMemoryRelief } from './v8.js'

/** Runs the server until a signal ends the process. @throws {StartError} */
export async function serve(config: ResolvedConfig): Promise<void> {
  assertAllowed(config.operatorAccess)
  const { log, opened, receiver, inbox, agent, activity, metrics, journal, journalWriter, duplicates, telemetry } =
    await assemble(config)
  const gate = new Gate(createMemoryRelief())
  const traces = telemetry?.traces
  const onRequest = await createApp({
    config,
    receiver,
    inbox,
    gate,
    agent,
    activity,
    metrics,
    journal,
    journalWriter,
    traces,
    log,
  })
  const { host, port, maxConnections } = config
  const limits = { maxConnections, onCut: (why: Cut) => metrics.connectionCut(why) }
  const listening = await listen(onRequest, { host, port, setting: 'port' }, limits)
  if (config.inboxConcurrency > 0) inbox.start()
  shutDownOnSignal({
    gate,
    receiver,
    inbox,
    listening,
    journalWriter,
    duplicates,
    telemetry,
    drainMs: config.drainMs,
    log,
  })
  for (const source of loopsOf(config.sources, listening.urls)) {
    log.warn({ source }, 'it forwards to this receiver itself: every delivery of it is answered 508 (loop_detected)')
  }
  announce(log, config, opened, listening.urls)
}
