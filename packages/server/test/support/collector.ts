import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'

interface KeyValue {
  key: string
  value: { stringValue?: string; intValue?: number | string; doubleValue?: number }
}

export interface ReceivedSpan {
  name: string
  traceId: string
  spanId: string
  parentSpanId: string | undefined
  kind: number
  failed: boolean
  attributes: Record<string, string | number | undefined>
  /** The ids of the spans that it links to. */
  links: string[]
}

const flat = (attributes: KeyValue[] = []) =>
  Object.fromEntries(
    attributes.map(({ key, value }) => [key, value.stringValue ?? value.doubleValue ?? Number(value.intValue)]),
  )

/** Takes what OTLP/HTTP brings as JSON: the least that could be called a collector. */
export async function startCollector() {
  const spans: ReceivedSpan[] = []
  // biome-ignore lint/suspicious/noExplicitAny: as the protocol has it
  const metrics: any[] = []
  const resources: Record<string, string | number | undefined>[] = []
  const server = createServer(async (request, response) => {
    // biome-ignore lint/suspicious/noExplicitAny: as the protocol has it
    const body = (await json(request)) as any
    for (const { resource, scopeSpans } of body.resourceSpans ?? []) {
      resources.push(flat(resource.attributes))
      // biome-ignore lint/suspicious/noExplicitAny: as the protocol has it
      for (const span of scopeSpans.flatMap((scope: any) => scope.spans)) {
        const { name, traceId, spanId, parentSpanId, kind, status, attributes, links = [] } = span
        spans.push({
          name,
          traceId,
          spanId,
          parentSpanId,
          kind,
          failed: status?.code === 2,
          attributes: flat(attributes),
          links: links.map((link: { spanId: string }) => link.spanId),
        })
      }
    }
    for (const { scopeMetrics } of body.resourceMetrics ?? []) {
      // biome-ignore lint/suspicious/noExplicitAny: as the protocol has it
      for (const metric of scopeMetrics.flatMap((scope: any) => scope.metrics)) metrics.push(metric)
    }
    response.setHeader('content-type', 'application/json').end('{}')
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    resources,
    /** The value of a metric's latest data point with these attributes: a number, or a histogram's point. */
    // biome-ignore lint/suspicious/noExplicitAny: as the protocol has it
    latest(name: string, attributes: Record<string, string>): any {
      const { sum, gauge, histogram } = metrics.findLast(metric => metric.name === name) ?? {}
      const { dataPoints = [] } = sum ?? gauge ?? histogram ?? {}
      const wanted = Object.entries(attributes)
      return dataPoints.find((point: { attributes: KeyValue[] }) => {
        const own = flat(point.attributes)
        return wanted.every(([label, value]) => own[label] === value)
      })
    },
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}
