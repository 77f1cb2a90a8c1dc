import type { Context, SpanContext, TextMapGetter, TextMapSetter } from '@opentelemetry/api'
import { Delivery } from 'hookonce'

export type Api = typeof import('@opentelemetry/api')

type Headers = [name: string, value: string][]

const GETTER: TextMapGetter<Delivery> = {
  keys: delivery => delivery.headers.map(([name]) => name),
  get: (delivery, name) => delivery.header(name),
}

const SETTER: TextMapSetter<Headers> = { set: (headers, name, value) => void headers.push([name, value]) }

/** The context that the headers of a delivery name. */
export const contextOf = ({ propagation, ROOT_CONTEXT }: Api, delivery: Delivery): Context =>
  propagation.extract(ROOT_CONTEXT, delivery, GETTER)

/** The same delivery; its headers name this context. */
export function continued({ propagation }: Api, given: Delivery, context: Context): Delivery {
  const { method, url, headers, body, requestId } = given
  const fields = new Set(propagation.fields())
  const own: Headers = []
  propagation.inject(context, own, SETTER)
  const kept = headers.filter(([name]) => !fields.has(name))
  return new Delivery({ method, url, body, headers: [...kept, ...own], requestId })
}

export function traceparentOf({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`
}

/** The span that {@link traceparentOf} wrote down; `undefined`: it is none. */
export function spanContextIn(traceparent: string): SpanContext | undefined {
  const [, traceId, spanId, flags] = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(traceparent) ?? []
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true }
}
