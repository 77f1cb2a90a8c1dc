import type { Handler } from 'hookonce'
import { fetchHandler } from 'hookonce/adapters/fetch'
import type { Logger } from 'pino'
import type { Agent } from 'undici'
import type { ResolvedSource } from '../config.js'
import { acknowledgeEvent } from './acknowledge.js'
import { forwardTo } from './forward.js'

export interface HandlerContext {
  /** Connections to the applications that deliveries are forwarded to. */
  agent: Agent
  log: Logger
}

/** What a source's deliveries are worked on by. */
export function handlerFor(
  { handle }: ResolvedSource,
  maxResponseBytes: number,
  { agent, log }: HandlerContext,
): Handler {
  if (typeof handle === 'function') return fetchHandler(handle, maxResponseBytes)
  if (handle.kind === 'acknowledge') return acknowledgeEvent
  return forwardTo({ url: handle.url, timeoutMs: handle.timeoutMs, maxResponseBytes, agent, log })
}
