import type { Delivery, Handler, HandlerResponse } from 'hookonce'
import { fetchHandler } from 'hookonce/adapters/fetch'
import type { ResolvedSource } from '../../config/resolve.js'
import type { ForwardAgent } from '../../http/exchange.js'
import { REQUEST_ID_HEADER } from '../../http/request-id.js'
import type { EventIndex } from '../../journal/event-index.js'
import { withFailedAnswers } from '../../journal/failed-answers.js'
import type { JournalWriter } from '../../journal/writer.js'
import type { Metrics } from '../../observability/metrics/index.js'
import type { Traces } from '../../observability/telemetry/traces.js'
import { acknowledge, acknowledgeJson } from './acknowledge.js'
import { type ForwardTarget, forwardHandshakeTo, forwardTo } from './forward.js'

export interface HandlerContext {
  /** Connections to the applications. */
  agent: ForwardAgent
  metrics: Pick<Metrics, 'forwardFailed'>
  journalWriter: JournalWriter
  /** `undefined`: events are not indexed. */
  eventIndex: EventIndex | undefined
  traces: Traces | undefined
}

/** The handler of a source's deliveries. */
export function handlerFor(source: ResolvedSource, maxResponseBytes: number, context: HandlerContext): Handler {
  const { journalWriter, eventIndex } = context
  const handler = withFailedAnswers(configuredHandler(source, maxResponseBytes, context), source, journalWriter)
  return eventIndex?.indexed(handler, source) ?? handler
}

function configuredHandler(source: ResolvedSource, maxResponseBytes: number, context: HandlerContext): Handler {
  const { handle, options } = source
  if (typeof handle === 'function') return withoutRequestId(fetchHandler(handle, maxResponseBytes))
  // A signed body is an event, JSON or not.
  if (handle.kind === 'acknowledge') return options.sender === undefined ? acknowledgeJson : acknowledge
  return forwardTo(targetOf(handle, options.name, maxResponseBytes, context))
}

/** The same handler; a request's id is not recorded, because each answer has that of its own request. */
const withoutRequestId =
  (handler: Handler): Handler =>
  async (delivery, attempt) => {
    const response = await handler(delivery, attempt)
    if (!response.headers.some(([name]) => name === REQUEST_ID_HEADER)) return response
    return { ...response, headers: response.headers.filter(([name]) => name !== REQUEST_ID_HEADER) }
  }

/** The handler of a source's handshakes; `undefined`: they are not forwarded. */
export function handshakeHandlerFor(
  { handle, options, forwardHandshakes }: ResolvedSource,
  maxResponseBytes: number,
  context: HandlerContext,
): ((delivery: Delivery) => Promise<HandlerResponse>) | undefined {
  if (!forwardHandshakes || typeof handle === 'function' || handle.kind !== 'forward') return undefined
  return forwardHandshakeTo(targetOf(handle, options.name, maxResponseBytes, context))
}

function targetOf(
  { url, timeoutMs }: { url: string; timeoutMs: number },
  source: string,
  maxResponseBytes: number,
  { agent, metrics, traces }: HandlerContext,
): ForwardTarget {
  const failed: ForwardTarget['failed'] = kind => metrics.forwardFailed(source, kind)
  return { source, url, timeoutMs, maxResponseBytes, agent, traces, failed }
}
