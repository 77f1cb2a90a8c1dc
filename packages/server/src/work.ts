import type { ResolvedConfig } from './config.js'
import { Gate } from './gate.js'
import { assemble } from './process.js'
import { shutDownOnSignal } from './shutdown.js'
import { StartError } from './start-error.js'

/** Works on what servers accepted, without listening, until a signal ends the process. @throws {StartError} */
export async function work(config: ResolvedConfig): Promise<void> {
  const sources = [...config.sources].filter(([, { inbox }]) => inbox !== undefined).map(([name]) => name)
  if (sources.length === 0) throw new StartError('there is nothing to work on: no source has mode inbox')
  const { log, opened, receiver, inbox, telemetry } = await assemble({
    ...config,
    inboxConcurrency: Math.max(1, config.inboxConcurrency),
  })
  inbox.start()
  // Nothing else keeps the process alive while it waits for work.
  const alive = setInterval(() => {}, 3_600_000)
  const listening = { urls: [], close: async () => clearInterval(alive), closeAllConnections: () => {} }
  const gate = new Gate(() => {})
  shutDownOnSignal({ gate, receiver, inbox, listening, telemetry, drainMs: config.drainMs, log })
  log.info({ sources, store: opened.place, durability: opened.durability }, 'working')
}
