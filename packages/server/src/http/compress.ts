import type { IncomingMessage } from 'node:http'
import { promisify } from 'node:util'
import { brotliCompress, gzip, constants as zlib } from 'node:zlib'
import type { Answer } from 'hookonce'
import { acceptedEncoding, type Encoding } from './accept-encoding.js'

/** Smaller answers fit into one packet as they are. */
const MIN_BYTES = 1_024

/** About what gzip takes; the best is twenty times as slow. */
const BROTLI = { params: { [zlib.BROTLI_PARAM_QUALITY]: 4 } }

const toBrotli = promisify(brotliCompress)
const toGzip = promisify(gzip)

const COMPRESS: Record<Encoding, (body: Uint8Array) => Promise<Uint8Array>> = {
  br: body => toBrotli(body, BROTLI),
  gzip: body => toGzip(body),
}

/**
 * The answer as its client accepts it. A route asks for this, and only one whose answer is made of counts and texts of this
 * program. What shows records is sent as it is: there stands what one sender keeps secret (keys, answers)
 * beside what another one chose, and whoever sees the length of such an answer each time it is polled can guess the first
 * by choosing the second (BREACH).
 */
export async function compressed(request: IncomingMessage, answer: Answer): Promise<Answer> {
  if (answer.body.length < MIN_BYTES) return answer
  const encoding = acceptedEncoding(request)
  const headers: [string, string][] = [['vary', 'accept-encoding']]
  if (encoding === undefined) return { ...answer, headers: [...answer.headers, ...headers] }
  headers.push(['content-encoding', encoding])
  return { ...answer, headers: [...answer.headers, ...headers], body: await COMPRESS[encoding](answer.body) }
}
