import { type Attempt, type Delivery, type Handler, type HeaderList, problem } from 'hookonce'
import type { Logger } from 'pino'
import { Agent, request } from 'undici'

export interface ForwardTarget {
  url: string
  timeoutMs: number
  maxResponseBytes: number
  agent: Agent
  log: Logger
}

/** RFC 9110 §7.6.1; `content-length` is counted anew, `expect` is answered here, `host` names the target. */
const NOT_FORWARDED = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** One pool for all targets. Their time limits are {@link forwardTo}'s own, over the whole exchange. */
export function createForwardAgent(): Agent {
  return new Agent({ headersTimeout: 0, bodyTimeout: 0 })
}

/** Hands deliveries to the application behind this receiver, byte for byte, and gives its answer back the same way. */
export function forwardTo(target: ForwardTarget): Handler {
  const { url, origin, authorization } = parseTarget(target.url)
  return async (delivery, attempt) => {
    const limit = new TimeLimit(target.timeoutMs, attempt.signal)
    try {
      const response = await request(withQuery(url, delivery.url), {
        method: 'POST',
        headers: forwardedHeaders(delivery, attempt, authorization),
        body: delivery.body,
        signal: limit.signal,
        dispatcher: target.agent,
        responseHeaders: 'raw',
      })
      const status = response.statusCode
      const headers = endToEnd(rawPairs(response.headers))
      const chunks = response.body[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>
      const { body, complete } = await gather(chunks, target.maxResponseBytes)
      limit.leaveAttempt()
      if (!complete) return { status, headers, body, rest: remainder(chunks, limit) }
      limit.clear()
      return { status, headers, body }
    } catch (error) {
      limit.clear()
      // A lost attempt is answered already; what else aborts is the end of this process.
      if (attempt.signal.aborted) return problem('shutting_down', { retryAfterMs: 1000 })
      if (limit.reached) {
        target.log.warn({ upstream: origin, timeoutMs: target.timeoutMs }, 'upstream took too long')
        return problem('upstream_timeout')
      }
      target.log.warn({ upstream: origin, reason: errorCode(error) }, 'upstream cannot be reached')
      return problem('upstream_unreachable')
    }
  }
}

/** Credentials in the URL are sent as `Authorization` and appear nowhere else. */
function parseTarget(target: string): { url: string; origin: string; authorization: string | undefined } {
  const url = new URL(target)
  const { username, password } = url
  url.username = ''
  url.password = ''
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  const authorization = credentials === ':' ? undefined : `Basic ${Buffer.from(credentials).toString('base64')}`
  return { url: url.href, origin: url.origin, authorization }
}

/** Aborts at the time limit, or when the attempt is lost. */
class TimeLimit {
  readonly #controller = new AbortController()
  readonly #attempt: AbortSignal
  readonly #timer: NodeJS.Timeout
  readonly #abort = () => this.#controller.abort()
  reached = false

  constructor(ms: number, attempt: AbortSignal) {
    this.#attempt = attempt
    this.#timer = setTimeout(() => {
      this.reached = true
      this.#abort()
    }, ms)
    if (attempt.aborted) this.#abort()
    else attempt.addEventListener('abort', this.#abort, { once: true })
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  leaveAttempt(): void {
    this.#attempt.removeEventListener('abort', this.#abort)
  }

  clear(): void {
    clearTimeout(this.#timer)
    this.leaveAttempt()
  }
}

async function gather(chunks: AsyncIterator<Uint8Array>, enough: number) {
  const parts: Uint8Array[] = []
  let length = 0
  while (length <= enough) {
    const next = await chunks.next()
    if (next.done) return { body: Buffer.concat(parts, length), complete: true }
    parts.push(next.value)
    length += next.value.length
  }
  return { body: Buffer.concat(parts, length), complete: false }
}

/** Not a generator: `return()` before the first `next()` would not reach its `finally`. */
function remainder(chunks: AsyncIterator<Uint8Array>, limit: TimeLimit): AsyncIterableIterator<Uint8Array> {
  return {
    async next() {
      try {
        const next = await chunks.next()
        if (next.done) limit.clear()
        return next
      } catch (error) {
        limit.clear()
        throw error
      }
    },
    async return() {
      limit.clear()
      await chunks.return?.()
      return { done: true, value: undefined }
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}

function forwardedHeaders(delivery: Delivery, attempt: Attempt, authorization: string | undefined): string[] {
  const flat: string[] = []
  for (const [name, value] of endToEnd(delivery.headers)) {
    const replaced = name === 'idempotency-key' ? attempt.key !== null : name === 'authorization' && authorization
    if (!replaced) flat.push(name, value)
  }
  if (authorization) flat.push('authorization', authorization)
  flat.push('X-Hookonce-Attempt', String(attempt.number))
  if (attempt.key !== null) {
    flat.push('Idempotency-Key', attempt.key, 'X-Hookonce-Fencing-Token', attempt.fencingToken)
  }
  return flat
}

/** Less what concerns one connection only, the headers that `Connection` names included. */
function endToEnd(headers: HeaderList): [string, string][] {
  const named = new Set<string>()
  for (const [name, value] of headers) {
    if (name === 'connection') for (const option of value.split(',')) named.add(option.trim().toLowerCase())
  }
  const kept: [string, string][] = []
  for (const [name, value] of headers) {
    if (!NOT_FORWARDED.has(name) && !named.has(name)) kept.push([name, value])
  }
  return kept
}

/**
 * undici reads header bytes as UTF-8 where Node reads and writes them as Latin-1,
 * except for a `content-disposition` beside a `content-length`, which it has converted already.
 */
function rawPairs(flat: unknown): [string, string][] {
  const raw = flat as string[]
  const pairs: [string, string][] = []
  let sized = false
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!.toLowerCase()
    sized ||= name === 'content-length'
    pairs.push([name, raw[i + 1]!])
  }
  for (const pair of pairs) {
    if (!(sized && pair[0] === 'content-disposition')) pair[1] = Buffer.from(pair[1]).toString('latin1')
  }
  return pairs
}

/** The sender's query is part of what it said; path and host are the target's. */
function withQuery(target: string, deliveryUrl: string): string {
  const query = deliveryUrl.indexOf('?')
  if (query === -1 || query === deliveryUrl.length - 1) return target
  return `${target}${target.includes('?') ? '&' : '?'}${deliveryUrl.slice(query + 1)}`
}

function errorCode(error: unknown): string {
  const { code, name } = error as NodeJS.ErrnoException
  return code ?? name
}
