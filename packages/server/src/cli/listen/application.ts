import { setTimeout as sleep } from 'node:timers/promises'
import { endToEnd } from 'hookonce'
import { REDACTED } from '../../config/redaction.js'
import { parseTarget, pathFor, type Target } from '../../deliveries/handlers/target.js'
import type { Copied } from './feed.js'

const RETRY_MS = 1_000
const TIMEOUT_MS = 30_000
/** `fetch` sets them itself. */
const NOT_COPIED = new Set(['host', 'content-length', 'expect'])

/** What the application answered to a copy. */
export interface CopyAnswer {
  status: number
  ms: number
}

/** The application on this machine, which gets the copies as the server's forward would send them. */
export class Application {
  readonly #target: Target
  readonly #onAway: (why: string) => void

  /** @param onAway called when the application does not answer, before it is tried again */
  constructor(url: string, onAway: (why: string) => void) {
    this.#target = parseTarget(url)
    this.#onAway = onAway
  }

  /** Sends a copy, again and again until the application answers. */
  async send(copied: Copied): Promise<CopyAnswer> {
    for (;;) {
      try {
        return await this.#sendOnce(copied)
      } catch (error) {
        const { message, cause } = error as Error
        const why = (cause as NodeJS.ErrnoException | undefined)?.code ?? message
        this.#onAway(`${this.#target.host} does not answer (${why})`)
        await sleep(RETRY_MS)
      }
    }
  }

  async #sendOnce({ id, key, delivery }: Copied): Promise<CopyAnswer> {
    const { options, host, authorization } = this.#target
    const { method, url, headers } = delivery
    const own: [string, string][] = [['x-hookonce-copy', encodeURIComponent(id)]]
    if (key !== null) own.push(['idempotency-key', key])
    if (authorization !== undefined) own.push(['authorization', authorization])
    const names = new Set(own.map(([name]) => name))
    const copied = endToEnd(headers, (_, name) => NOT_COPIED.has(name) || names.has(name))
    const startedAt = performance.now()
    const response = await fetch(`${options.protocol}//${host}${pathFor(this.#target, url)}`, {
      method,
      headers: [
        ...copied.filter(([, value]) => value !== REDACTED).map(([name, value]): [string, string] => [name, value]),
        ...own,
      ],
      body: method === 'POST' ? bodyOf(delivery) : null,
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    await response.body?.cancel()
    return { status: response.status, ms: performance.now() - startedAt }
  }
}

export const bodyOf = ({ body, body_encoding }: Copied['delivery']): Buffer<ArrayBuffer> =>
  Buffer.from(body ?? '', body_encoding)
