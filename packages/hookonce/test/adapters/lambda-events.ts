import type { IncomingMessage, RequestListener } from 'node:http'
import type { ALBEvent, APIGatewayProxyEvent, APIGatewayProxyEventV2 } from 'aws-lambda'
import type { LambdaEvent, LambdaResult } from 'hookonce/adapters/aws-lambda'
import type { Limit } from './harness.js'

/** What AWS makes of a request. The parts that concern no function of ours are left out. */
type Make = (req: IncomingMessage, body: Buffer) => LambdaEvent

const bodyOf = (req: IncomingMessage, body: Buffer) => {
  const isBase64Encoded = !/json|^text/.test(req.headers['content-type'] ?? '')
  return { body: body.toString(isBase64Encoded ? 'base64' : 'utf8'), isBase64Encoded }
}
const urlOf = (req: IncomingMessage) => new URL(`http://host${req.url!.replace(/^\/+/, '/')}`)
const joined = (req: IncomingMessage) =>
  Object.fromEntries(Object.entries(req.headersDistinct).map(([name, values]) => [name, values!.join(',')]))
const last = (req: IncomingMessage) =>
  Object.fromEntries(Object.entries(req.headersDistinct).map(([name, values]) => [name, values!.at(-1)!]))

const payload2: Make = (req, body) => {
  const { pathname, search } = urlOf(req)
  const { cookie, ...headers } = joined(req)
  const event = {
    version: '2.0',
    routeKey: '$default',
    rawPath: pathname,
    rawQueryString: search.slice(1),
    headers,
    ...(cookie && { cookies: cookie.split('; ') }),
    requestContext: { http: { method: req.method!, path: pathname } },
    ...bodyOf(req, body),
  }
  return event as unknown as APIGatewayProxyEventV2
}

const query = (req: IncomingMessage, decode: boolean) => {
  const values: Record<string, string[]> = {}
  const { search, searchParams } = urlOf(req)
  const parts = decode
    ? [...searchParams]
    : search
        .slice(1)
        .split('&')
        .filter(Boolean)
        .map(part => part.split('=') as [string, string])
  for (const [name, value] of parts) values[name] = [...(values[name] ?? []), value]
  return Object.keys(values).length > 0 ? values : null
}

const payload1: Make = (req, body) => {
  const event = {
    httpMethod: req.method!,
    path: urlOf(req).pathname,
    headers: last(req),
    multiValueHeaders: { ...req.headersDistinct },
    queryStringParameters: null,
    multiValueQueryStringParameters: query(req, true),
    requestContext: { stage: 'prod' },
    ...bodyOf(req, body),
  }
  return event as unknown as APIGatewayProxyEvent
}

const loadBalancer =
  (multiValue: boolean): Make =>
  (req, body) => {
    const values = query(req, false) ?? {}
    const single = Object.fromEntries(Object.entries(values).map(([name, all]) => [name, all.at(-1)!]))
    const event = {
      httpMethod: req.method!,
      path: urlOf(req).pathname,
      ...(multiValue
        ? { multiValueHeaders: { ...req.headersDistinct }, multiValueQueryStringParameters: values }
        : { headers: last(req), queryStringParameters: single }),
      requestContext: { elb: { targetGroupArn: 'arn:aws:elasticloadbalancing:eu-central-1:1:targetgroup/hooks/1' } },
      ...bodyOf(req, body),
    }
    return event as unknown as ALBEvent
  }

interface Service {
  make: Make
  /** Where a header has one value, so that one that came twice cannot be told from another. */
  oneValue: Limit[]
}

export const EVENTS: Record<string, Service> = {
  'API Gateway, payload format 1.0': { make: payload1, oneValue: [] },
  'API Gateway or a function URL, payload format 2.0': { make: payload2, oneValue: ['one value a request header'] },
  'a load balancer': {
    make: loadBalancer(false),
    oneValue: ['one value a request header', 'one value a response header'],
  },
  'a load balancer with multi-value headers': { make: loadBalancer(true), oneValue: [] },
}

/** What AWS takes from a sender. */
const MAX_BYTES = 6 * 1024 * 1024

/** Calls a function for each request, as AWS does. */
export function gateway(make: Make, handler: (event: LambdaEvent) => Promise<LambdaResult>): RequestListener {
  return (req, res) => {
    const chunks: Buffer[] = []
    let size = 0
    req.on('data', chunk => {
      size += chunk.length
      if (size <= MAX_BYTES) chunks.push(chunk)
    })
    req.on('end', async () => {
      const result = await handler(make(req, Buffer.concat(chunks)))
      // What is returned is JSON.
      const { statusCode, headers, multiValueHeaders, cookies, body, isBase64Encoded }: LambdaResult = JSON.parse(
        JSON.stringify(result),
      )
      for (const [name, value] of Object.entries({ ...headers, ...multiValueHeaders })) res.setHeader(name, value)
      if (cookies?.length) res.setHeader('set-cookie', cookies)
      const bytes = Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8')
      if (statusCode !== 204) res.setHeader('content-length', bytes.length)
      res.writeHead(statusCode).end(bytes)
    })
  }
}
