import { assertAllowed } from '../config/operator-access.js'
import type { ResolvedConfig } from '../config/resolve.js'
import { StartError } from '../config/start-error.js'
import { Gate } from '../deliveries/in-flight.js'
import { Heartbeat } from '../journal/heartbeat.js'
import type { Cut } from '../observability/metrics/index.js'
import { assemble } from './assemble.js'
import { type Listening, listen } from './listen.js'
import { shutDownOnSignal } from './shutdown.js'
import { createWorkerApp } from './worker-app.js'

/** Runs a worker: it attempts accepted deliveries until a signal ends the process. @throws {StartError} */
export async function work(config: ResolvedConfig): Promise<void> {
  const sources = [...config.sources].filter(([, { inbox }]) => inbox !== undefined).map(([name]) => name)
  if (sources.length === 0) throw new StartError('there is nothing to work on: no source has mode inbox')
  if (config.workPort !== undefined) assertAllowed(config.operatorAccess)
  const parts = await assemble({ ...config, inboxConcurrency: Math.max(1, config.inboxConcurrency) })
  const { log, opened, receiver, inbox, metrics } = parts
  const gate = new Gate(() => {})
  const { host, workPort: port, maxConnections } = config
  const limits = { maxConnections, onCut: (why: Cut) => metrics.connectionCut(why) }
  const listening =
    port === undefined
      ? withoutListener()
      : await listen(
          await createWorkerApp({ config, receiver, gate, metrics, log }),
          { host, port, setting: 'workPort' },
          limits,
        )
  inbox.start()
  const { urls } = listening
  const heartbeat = new Heartbeat({
    ...{ role: 'worker', urls, inFlight: () => 0, running: receiver.running },
    ...parts,
  })
  shutDownOnSignal({ ...parts, gate, listening, heartbeat, drainMs: config.drainMs })
  log.info({ sources, store: opened.place, durability: opened.durability, ...(urls.length > 0 && { urls }) }, 'working')
}

/** The timer keeps the process alive while it waits for work. */
function withoutListener(): Listening {
  const alive = setInterval(() => {}, 3_600_000)
  return { urls: [], close: async () => clearInterval(alive), closeAllConnections: () => {} }
}
