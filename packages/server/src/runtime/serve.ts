import { assertAllowed } from '../config/operator-access.js'
import type { ResolvedConfig } from '../config/resolve.js'
import { loopsOf } from '../deliveries/handlers/loop.js'
import { Gate } from '../deliveries/in-flight.js'
import { Heartbeat } from '../journal/heartbeat.js'
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
  const parts = await assemble(config)
  const { log, opened, receiver, inbox, metrics, telemetry } = parts
  const gate = new Gate(createMemoryRelief())
  const onRequest = await createApp({ ...parts, config, gate, traces: telemetry?.traces })
  const { host, port, maxConnections } = config
  const limits = { maxConnections, onCut: (why: Cut) => metrics.connectionCut(why) }
  const listening = await listen(onRequest, { host, port, setting: 'port' }, limits)
  if (config.inboxConcurrency > 0) inbox.start()
  const heartbeat = new Heartbeat({
    ...{ role: 'server', urls: listening.urls, inFlight: () => gate.inProgress, running: receiver.running },
    ...parts,
  })
  shutDownOnSignal({ ...parts, gate, listening, heartbeat, drainMs: config.drainMs })
  for (const source of loopsOf(config.sources, listening.urls)) {
    log.warn({ source }, 'it forwards to this receiver itself: every delivery of it is answered 508 (loop_detected)')
  }
  announce(log, config, opened, listening.urls)
}
