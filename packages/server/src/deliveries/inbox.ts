import { type Breaker, createInbox, type Inbox, type InboxSourceOptions, type Receiver } from 'hookonce'
import type { ResolvedConfig } from '../config/resolve.js'
import type { AttemptLog } from './attempt-log.js'
import { type HandlerContext, handlerFor } from './handlers/index.js'

export interface InboxContext extends HandlerContext {
  attemptLog: AttemptLog
  /** By source. */
  breakers: ReadonlyMap<string, Breaker>
}

/** The inbox of the sources in mode `inbox`, not started. */
export function inboxOf(config: ResolvedConfig, receiver: Receiver, context: InboxContext): Inbox {
  const { traces, attemptLog } = context
  const handlers: Record<string, InboxSourceOptions> = {}
  for (const [name, source] of config.sources) {
    if (source.inbox === undefined) continue
    const { name: _, waitMs, ...settings } = source.options
    const handler = handlerFor(source, source.options.maxResponseBytes ?? 0, context)
    const breaker = context.breakers.get(name)
    handlers[name] = {
      ...settings,
      ...source.inbox,
      ...(breaker !== undefined && { breaker }),
      handler: attemptLog.noted(name, traces?.attempt(name, handler) ?? handler),
    }
  }
  return createInbox({ receiver, handlers, concurrency: Math.max(1, config.inboxConcurrency) })
}
