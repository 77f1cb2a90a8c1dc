import type { DeliveryInit } from '../../http/delivery.js'

type Values = Record<string, string | undefined> | null | undefined
type MultiValues = Record<string, string[] | undefined> | null | undefined

interface Body {
  body?: string | null | undefined
  isBase64Encoded?: boolean | undefined
}

/** Payload format 2.0: of API Gateway's HTTP APIs and of function URLs. */
export interface HttpEvent extends Body {
  version: string
  rawPath: string
  rawQueryString: string
  headers: Record<string, string | undefined>
  cookies?: string[] | undefined
  requestContext: { http: { method: string } }
}

/** Payload format 1.0, of API Gateway's REST APIs, and an Application Load Balancer's event. */
export interface ProxyEvent extends Body {
  httpMethod: string
  path: string
  headers?: Values
  multiValueHeaders?: MultiValues
  queryStringParameters?: Values
  multiValueQueryStringParameters?: MultiValues
  requestContext: object
}

/** An HTTP request, as Lambda passes it to a function. */
export type LambdaEvent = HttpEvent | ProxyEvent

/** @throws {TypeError} the event is not an HTTP request */
export function deliveryOf(event: LambdaEvent): DeliveryInit {
  const body = Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8')
  if (isHttpEvent(event)) {
    const { rawPath, rawQueryString, cookies, requestContext } = event
    const headers = pairs(event.headers)
    if (cookies !== undefined) headers.push(['cookie', cookies.join('; ')])
    return { method: requestContext.http.method, url: withQuery(rawPath, rawQueryString), headers, body }
  }
  if (typeof event?.httpMethod !== 'string') {
    throw new TypeError('handleLambda needs an event of API Gateway, a function URL or an Application Load Balancer')
  }
  const query = pairs(event.multiValueQueryStringParameters ?? event.queryStringParameters)
  // A load balancer passes them on as they were sent, API Gateway decodes them.
  const text = isFromLoadBalancer(event)
    ? query.map(([name, value]) => `${name}=${value}`).join('&')
    : new URLSearchParams(query).toString()
  const headers = pairs(event.multiValueHeaders ?? event.headers)
  return { method: event.httpMethod, url: withQuery(event.path, text), headers, body }
}

export const isHttpEvent = (event: LambdaEvent): event is HttpEvent =>
  (event as Partial<HttpEvent> | null)?.requestContext?.http !== undefined

export const isFromLoadBalancer = ({ requestContext }: ProxyEvent): boolean => 'elb' in requestContext

const withQuery = (path: string, query: string): string => (query === '' ? path : `${path}?${query}`)

function pairs(values: Values | MultiValues): [string, string][] {
  return Object.entries(values ?? {}).flatMap(([name, value]) =>
    value === undefined ? [] : [value].flat().map((one): [string, string] => [name.toLowerCase(), one]),
  )
}
