import { Breaker, createInbox, type Inbox, type InboxSourceOptions, type Receiver, systemClock } from 'hookonce'
import type { ResolvedConfig } from '../config/resolve.js'
import type { AttemptLog } from './attempt-log.js'
import { type HandlerContext, handlerFor } from './handlers/index.js'

export interface InboxContext extends HandlerContext {
  attemptLog: AttemptLog
}

/** The inbox of the sources in mode `inbox`, not started. Sources that forward to the same URL share a circuit breaker. */
export function inboxOf(config: ResolvedConfig, receiver: Receiver, context: InboxContext): Inbox {
  const { traces, attemptLog } = context
  const breakers = new Map<string, Breaker>()
  const breakerOf = (url: string): Breaker => {
    const known = breakers.get(url) ?? new Breaker(systemClock)
    breakers.set(url, known)
    return known
  }
  const handlers: Record<string, InboxSourceOptions> = {}
  for (const [name, source] of config.sources) {
    if (source.inbox === undefined) continue
    const { handle, options } = source
    const { name: _, waitMs, ...settings } = options
    const handler = handlerFor(source, options.maxResponseBytes ?? 0, context)
    handlers[name] = {
      ...settings,
      ...source.inbox,
      ...(typeof handle === 'object' && handle.kind === 'forward' && { breaker: breakerOf(handle.url) }),
      handler: attemptLog.noted(name, traces?.attempt(name, handler) ?? handler),
    }
  }
  return createInbox({ receiver, handlers, concurrency: Math.max(1, config.inboxConcurrency) })
}
