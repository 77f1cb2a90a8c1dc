import { isUtf8 } from 'node:buffer'
import type { Answer } from '../../http/response.js'
import { isFromLoadBalancer, isHttpEvent, type LambdaEvent } from './event.js'

/** An HTTP response, as Lambda takes it from a function. */
export interface LambdaResult {
  statusCode: number
  /** Each of one value. */
  headers: Record<string, string>
  /** In answer to payload format 1.0, and to a load balancer that has multi-value headers on. */
  multiValueHeaders?: Record<string, string[]>
  /** Of payload format 2.0: the values of `Set-Cookie`. */
  cookies?: string[]
  body: string
  isBase64Encoded: boolean
}

/** What Lambda takes from a function. */
const MAX_BYTES = 6 * 1024 * 1024

/**
 * @throws {RangeError} the response is too large for Lambda
 * @throws the error of the body's stream
 */
export async function resultOf(answer: Answer, event: LambdaEvent): Promise<LambdaResult> {
  const bytes = await bodyOf(answer)
  const values = new Map<string, string[]>()
  for (const [name, value] of answer.headers) {
    // Whoever sends the response counts its bytes.
    if (name !== 'content-length') values.set(name, [...(values.get(name) ?? []), value])
  }
  const isText = isUtf8(bytes) && !values.has('content-encoding')
  const body = bytes.toString(isText ? 'utf8' : 'base64')
  if (body.length > MAX_BYTES) throw tooLarge()
  const result = { statusCode: answer.status, body, isBase64Encoded: !isText }
  if (isHttpEvent(event)) {
    const cookies = values.get('set-cookie') ?? []
    values.delete('set-cookie')
    return { ...result, headers: joined(values), cookies }
  }
  if (isFromLoadBalancer(event) && event.multiValueHeaders == null) return { ...result, headers: joined(values) }
  return { ...result, headers: {}, multiValueHeaders: Object.fromEntries(values) }
}

async function bodyOf({ body, rest }: Answer): Promise<Buffer> {
  const chunks = [body]
  let size = body.byteLength
  for await (const chunk of rest ?? []) {
    chunks.push(chunk)
    size += chunk.byteLength
    if (size > MAX_BYTES) throw tooLarge()
  }
  return Buffer.concat(chunks, size)
}

const tooLarge = () => new RangeError(`The response has more than ${MAX_BYTES} bytes, which Lambda refuses`)

const joined = (values: Map<string, string[]>): Record<string, string> =>
  Object.fromEntries(Array.from(values, ([name, all]) => [name, all.join(', ')]))
