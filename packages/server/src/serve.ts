import { createReceiver } from 'hookonce'
import { createApp } from './app.js'
import { announce } from './banner.js'
import type { ResolvedConfig } from './config.js'
import { Gate } from './gate.js'
import { createForwardAgent } from './handlers/forward.js'
import { listen } from './listen.js'
import { createLogger, logEvents } from './log.js'
import { createMemoryRelief } from './memory-relief.js'
import { openStore } from './open-store.js'
import { failFast, shutDownOnSignal } from './shutdown.js'

/** Runs the server until a signal ends the process. @throws {StartError} */
export async function serve(config: ResolvedConfig): Promise<void> {
  const log = createLogger(config.logLevel)
  failFast(log)
  const { maxWaiters, storeOptions } = config
  const { storeTimeoutMs } = storeOptions
  const opened = await openStore(config.store, storeOptions, log)
  const { options } = config.sources.get('default')!
  const receiver = createReceiver({ ...options, store: opened.store, storeTimeoutMs, maxWaiters })
  logEvents(log)
  const gate = new Gate(createMemoryRelief())
  const onRequest = await createApp({ config, receiver, gate, agent: createForwardAgent(), log })
  const listening = await listen(onRequest, config.host, config.port)
  shutDownOnSignal({ gate, receiver, listening, drainMs: config.drainMs, log })
  announce(log, config, opened, listening.urls)
}
