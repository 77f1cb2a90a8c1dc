import type { Answer, Delivery, Handler, Inbox, Receiver, Source } from 'hookonce'
import type { ResolvedSource } from '../config/resolve.js'
import { type HandlerContext, handlerFor } from './handlers/index.js'

export interface SourceContext extends HandlerContext {
  receiver: Receiver
  inbox: Inbox
}

export interface MountedSource {
  source: Source
  handler: Handler
  /** @param trusted its signature is not checked */
  receive(delivery: Delivery, trusted?: boolean): Promise<Answer>
}

/** A configured source, ready to receive. */
export function mountedSource(name: string, configured: ResolvedSource, context: SourceContext): MountedSource {
  // A source in mode `inbox` calls its handler later.
  const source = configured.inbox ? context.inbox.source(name) : context.receiver.source(configured.options)
  const handler = handlerFor(configured, source.maxResponseBytes, context)
  return { source, handler, receive: (delivery, trusted) => source.receive(delivery, handler, trusted) }
}
