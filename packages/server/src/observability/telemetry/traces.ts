import type { Context, Span, TextMapGetter, TextMapSetter } from '@opentelemetry/api'
import { type Answer, Delivery, type Handler } from 'hookonce'

type Api = typeof import('@opentelemetry/api')

type Headers = [name: string, value: string][]

const GETTER: TextMapGetter<Delivery> = {
  keys: delivery => delivery.headers.map(([name]) => name),
  get: (delivery, name) => delivery.header(name),
}

const SETTER: TextMapSetter<Headers> = { set: (headers, name, value) => void headers.push([name, value]) }

/** Spans of deliveries and attempts, in the trace of the sender's `traceparent` (W3C Trace Context). */
export class Traces {
  readonly #api: Api

  constructor(api: Api) {
    this.#api = api
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
      try {
        const answer = await receive(this.#continued(delivery, context), (given, attempt) => {
          span.setAttribute('hookonce.attempt', attempt.number)
          return this.#api.context.with(context, () => handler(given, attempt))
        })
        span.setAttributes({ 'hookonce.outcome': answer.outcome, 'http.response.status_code': answer.status })
        if (answer.status >= 500) this.#failed(span)
        return answer
      } finally {
        span.end()
      }
    }
  }

  /** Wraps an attempt of an accepted delivery in a span, a child of the span that accepted it. */
  attempt(source: string, handler: Handler): Handler {
    return async (delivery, attempt) => {
      const attributes = { 'hookonce.source': source, 'hookonce.attempt': attempt.number }
      const { span, context } = this.#start(`attempt ${source}`, this.#api.SpanKind.CONSUMER, attributes, delivery)
      try {
        const given = this.#continued(delivery, context)
        const response = await this.#api.context.with(context, () => handler(given, attempt))
        span.setAttribute('http.response.status_code', response.status)
        if (response.status >= 400) this.#failed(span)
        return response
      } catch (error) {
        this.#failed(span)
        throw error
      } finally {
        span.end()
      }
    }
  }

  #start(name: string, kind: number, attributes: Record<string, string | number>, delivery: Delivery) {
    const { propagation, trace, ROOT_CONTEXT } = this.#api
    const parent = propagation.extract(ROOT_CONTEXT, delivery, GETTER)
    const span = trace.getTracer('hookonce').startSpan(name, { kind, attributes }, parent)
    return { span, context: trace.setSpan(parent, span) }
  }

  #continued({ method, url, headers, body, requestId }: Delivery, context: Context): Delivery {
    const { propagation } = this.#api
    const fields = new Set(propagation.fields())
    const own: Headers = []
    propagation.inject(context, own, SETTER)
    const continued = [...headers.filter(([name]) => !fields.has(name)), ...own]
    return new Delivery({ method, url, body, headers: continued, requestId })
  }

  /** Without the error: its message may quote a body. */
  #failed(span: Span): void {
    span.setStatus({ code: this.#api.SpanStatusCode.ERROR })
  }
}
