import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { connect } from 'node:net'
import { buffer, text } from 'node:stream/consumers'
import { asOperator } from './operator.js'

export interface HttpResponse {
  status: number
  headers: IncomingHttpHeaders
  body: Buffer
  text: string
  // biome-ignore lint/suspicious/noExplicitAny: tests say what they expect of it
  json: any
}

export interface HttpRequest {
  method?: string
  /** Flat pairs say headers twice; an object says each once. */
  headers?: Record<string, string> | string[]
  body?: string | Uint8Array
  /** The loopback address that it comes from. */
  from?: string
  /** Nothing is read but the head: of a response that has no end. */
  headOnly?: boolean
}

/** One request over a connection of its own, with exactly these headers and an undecoded response. What is compressed is no JSON yet. */
export function send(
  url: string,
  { method = 'POST', headers = {}, body = '', from, headOnly = false }: HttpRequest = {},
): Promise<HttpResponse> {
  return new Promise((resolve, reject) => {
    // Flat headers get no Host and no length from Node.
    const own = Array.isArray(headers)
      ? ['host', new URL(url).host, 'content-length', String(Buffer.byteLength(body)), ...headers]
      : { ...asOperator(url), ...headers }
    const options = {
      method,
      headers: own as never,
      agent: false,
      maxHeaderSize: 131_072,
      ...(from !== undefined && { localAddress: from }),
    }
    const request = httpRequest(url, options, async response => {
      try {
        const bytes = headOnly ? Buffer.alloc(0) : await buffer(response)
        if (headOnly) response.destroy()
        const whole = bytes.toString()
        const { 'content-type': type, 'content-encoding': encoding } = response.headers
        const isJson = whole !== '' && encoding === undefined && /[/+]json\b/.test(String(type))
        const json = isJson ? JSON.parse(whole) : undefined
        resolve({ status: response.statusCode!, headers: response.headers, body: bytes, text: whole, json })
      } catch (error) {
        reject(error)
      }
    })
    request.on('error', reject)
    request.end(body)
  })
}

/** Writes bytes to a connection and gives back all that comes until it ends. */
export async function sendRaw(url: string, bytes: string): Promise<string> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.write(bytes)
  return text(socket)
}
