import type { Delivery } from 'hookonce'
import { type Api, continued } from './trace-context.js'

/** The request to an application, as a span below the attempt that sends it. */
export interface ForwardSpan {
  /** What is to be sent: the application goes on with this span. */
  delivery: Delivery
  /** It is sent once more, because the connection had ended. */
  resent(): void
  answered(status: number): void
  /** @param type why there is no answer, one of few words */
  failed(type: string): void
}

/** The host and the port of an application. */
export interface ForwardPeer {
  address: string
  port: number
}

/** By the conventions for HTTP clients. `undefined`: what sends it is not sampled. The URL is no attribute: it may contain a secret. */
export function startForwardSpan(
  api: Api,
  { address, port }: ForwardPeer,
  delivery: Delivery,
): ForwardSpan | undefined {
  const { context, trace, SpanKind, SpanStatusCode } = api
  const parent = context.active()
  if (!trace.getSpan(parent)?.isRecording()) return undefined
  const { method } = delivery
  const attributes = { 'http.request.method': method, 'server.address': address, 'server.port': port }
  const span = trace.getTracer('hookonce').startSpan(method, { kind: SpanKind.CLIENT, attributes }, parent)
  const fail = (type: string) => {
    span.setAttribute('error.type', type)
    span.setStatus({ code: SpanStatusCode.ERROR })
  }
  return {
    delivery: continued(api, delivery, trace.setSpan(parent, span)),
    resent: () => void span.setAttribute('http.request.resend_count', 1),
    answered(status) {
      span.setAttribute('http.response.status_code', status)
      if (status >= 400) fail(String(status))
      span.end()
    },
    failed(type) {
      fail(type)
      span.end()
    },
  }
}
