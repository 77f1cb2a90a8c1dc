import type { Context, Span, SpanContext } from '@opentelemetry/api'
import type { Answer, Delivery, Handler, HandlerResponse, Store } from 'hookonce'
import { TRACE_HEADER } from '../../http/trace-header.js'
import { type ForwardPeer, type ForwardSpan, startForwardSpan } from './forward-span.js'
import { StoreSpans, type TracedRun } from './store-spans.js'
import { type Api, contextOf, continued, spanContextIn, traceparentOf } from './trace-context.js'

/** What the log says of a delivery. */
export interface Traced {
  /** Absent: it is not sampled. */
  traceId?: string
  /** The attempt that it ran. */
  attempt?: number
}

/** Spans of deliveries and attempts, in the trace of the sender's `traceparent` (W3C Trace Context). */
export class Traces {
  readonly #api: Api
  readonly #stores: StoreSpans
  readonly #traced = new WeakMap<Delivery, Traced>()

  constructor(api: Api) {
    this.#api = api
    this.#stores = new StoreSpans(api)
  }

  /** The same store; the calls to it that sampled deliveries wait for are spans. */
  store(store: Store): Store {
    return this.#stores.traced(store)
  }

  of(delivery: Delivery): Traced | undefined {
    return this.#traced.get(delivery)
  }

  /** The span of a request to an application, in the attempt that runs. `undefined`: it is not sampled. */
  forward(peer: ForwardPeer, delivery: Delivery): ForwardSpan | undefined {
    return startForwardSpan(this.#api, peer, delivery)
  }

  /**
   * Wraps a delivery in a span. The handler gets the delivery with the `traceparent` of this span: the application, and
   * later attempts of an inbox, continue the trace.
   */
  delivery(
    source: string,
    receive: (delivery: Delivery, handler: Handler) => Promise<Answer>,
    handler: Handler,
  ): (delivery: Delivery) => Promise<Answer> {
    const { SpanKind } = this.#api
    return async delivery => {
      const attributes = {
        'hookonce.source': source,
        'http.request.method': delivery.method,
        'url.path': delivery.path,
      }
      const { span, context } = this.#start(`deliver ${source}`, SpanKind.SERVER, attributes, delivery)
      const given = continued(this.#api, delivery, context)
      const run: TracedRun = { source, span, context }
      const traced: Traced = {}
      this.#traced.set(delivery, traced)
      const inSpan = this.#within(run, (own, attempt) => {
        traced.attempt = attempt.number
        return handler(own, attempt)
      })
      if (!span.isRecording()) return receive(given, inSpan)
      traced.traceId = span.spanContext().traceId
      try {
        const answer = await this.#stores.during(run, () =>
          receive(given, async (own, attempt) => {
            span.setAttribute('hookonce.attempt', attempt.number)
            return withTrace(await inSpan(own, attempt), span)
          }),
        )
        span.setAttributes({ 'hookonce.outcome': answer.outcome, 'http.response.status_code': answer.status })
        if (answer.status >= 500) this.#failed(span)
        link(span, firstRunIn(answer))
        return answer
      } finally {
        this.#end(run)
      }
    }
  }

  /** Wraps an attempt of an accepted delivery in a span, a child of the span that accepted it. */
  attempt(source: string, handler: Handler): Handler {
    return async (delivery, attempt) => {
      const attributes = { 'hookonce.source': source, 'hookonce.attempt': attempt.number }
      const { span, context } = this.#start(`attempt ${source}`, this.#api.SpanKind.CONSUMER, attributes, delivery)
      const given = continued(this.#api, delivery, context)
      const run: TracedRun = { source, span, context }
      const inSpan = this.#within(run, handler)
      if (!span.isRecording() || attempt.key === null) return inSpan(given, attempt)
      this.#traced.set(delivery, { traceId: span.spanContext().traceId })
      const answered = this.#stores.attempt(run, attempt.key)
      try {
        const response = await inSpan(given, attempt)
        if (span.isRecording()) {
          span.setAttribute('http.response.status_code', response.status)
          if (response.status >= 400) this.#failed(span)
        }
        return response
      } catch (error) {
        if (span.isRecording()) this.#failed(span)
        throw error
      } finally {
        answered(!attempt.signal.aborted)
      }
    }
  }

  #start(name: string, kind: number, attributes: Record<string, string | number>, delivery: Delivery) {
    const { trace } = this.#api
    const parent = contextOf(this.#api, delivery)
    const span = trace.getTracer('hookonce').startSpan(name, { kind, attributes }, parent)
    return { span, context: trace.setSpan(parent, span) }
  }

  /** A handler may run in the context of the delivery that claimed the key, or of none. */
  #within({ context }: { context: Context }, handler: Handler): Handler {
    return (delivery, attempt) => this.#api.context.with(context, () => handler(delivery, attempt))
  }

  /** Now; or as of now, once its link is known. */
  #end({ span, first }: TracedRun): void {
    const endedAt = performance.now()
    const end = () => span.end(endedAt)
    if (first === undefined) end()
    else void first.then(known => link(span, known)).then(end)
  }

  /** Without the error: its message may quote a body. */
  #failed(span: Span): void {
    span.setStatus({ code: this.#api.SpanStatusCode.ERROR })
  }
}

/** A result is recorded with the span that made it. */
function withTrace(response: HandlerResponse, span: Span): HandlerResponse {
  if (response.status >= 300) return response
  const kept = response.headers.filter(([name]) => name !== TRACE_HEADER)
  return { ...response, headers: [...kept, [TRACE_HEADER, traceparentOf(span.spanContext())]] }
}

/** The span of the run whose result this answer is. */
function firstRunIn({ headers }: Answer): SpanContext | undefined {
  const traceparent = headers.find(([name]) => name === TRACE_HEADER)?.[1]
  return traceparent === undefined ? undefined : spanContextIn(traceparent)
}

const SAMPLED = 1

function link(span: Span, context: SpanContext | undefined): void {
  if (context === undefined || context.spanId === span.spanContext().spanId) return
  if ((context.traceFlags & SAMPLED) !== 0) span.addLink({ context, attributes: { 'hookonce.link': 'first_run' } })
}
