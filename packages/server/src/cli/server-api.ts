import { readSecret } from '../config/environment.js'
import { SETTINGS } from '../config/settings.js'
import { StartError } from '../config/start-error.js'

/** The server does not answer, or cannot just now: it may do so again. */
export class ServerAway extends StartError {
  constructor(message: string) {
    super(message, 1)
  }
}

/** The operator routes of a running server. */
export class ServerApi {
  readonly #base: URL
  readonly #headers: Record<string, string>
  readonly #timeoutMs: number | undefined

  /**
   * @param url of the server; a path behind a proxy is kept
   * @param timeoutMs of each request; default: none, for what streams
   * @throws {StartError} the token cannot be read
   */
  constructor(url: string, env: NodeJS.ProcessEnv, timeoutMs?: number) {
    this.#timeoutMs = timeoutMs
    this.#base = new URL(url.replace(/\/?$/, '/'))
    const token = readSecret(env, SETTINGS.adminToken.env)?.value
    this.#headers = { 'x-hookonce-operator': '1', ...(token !== undefined && { authorization: `Bearer ${token}` }) }
  }

  get origin(): string {
    return this.#base.origin
  }

  /** @throws {ServerAway} @throws {StartError} the server refuses */
  async get<T>(path: string, query: Query = {}): Promise<T> {
    const response = await this.request(path, query)
    return (await this.#read(() => response.json())) as T
  }

  /** As {@link get}; `undefined`: there is nothing (404). */
  async find<T>(path: string, query: Query): Promise<T | undefined> {
    const response = await this.ask('GET', path, query)
    if (response.status === 404) return undefined
    return (await this.#read(async () => (await this.#succeeded(response)).json())) as T
  }

  /** The response, if it is a success. @throws {ServerAway} @throws {StartError} */
  async request(path: string, query: Query = {}): Promise<Response> {
    return this.#succeeded(await this.ask('GET', path, query))
  }

  /** The response, whatever its status. @throws {ServerAway} */
  ask(method: 'GET' | 'POST', path: string, query: Query): Promise<Response> {
    const url = new URL(path, this.#base)
    for (const [name, value] of Object.entries(query))
      if (value !== undefined) url.searchParams.set(name, String(value))
    const signal = this.#timeoutMs === undefined ? null : AbortSignal.timeout(this.#timeoutMs)
    return this.#read(() => fetch(url, { method, headers: this.#headers, signal }))
  }

  async #succeeded(response: Response): Promise<Response> {
    if (response.ok) return response
    if (response.status >= 400 && response.status < 500) throw new StartError(await refusalOf(response), 1)
    throw new ServerAway(`${this.origin} answered ${response.status}`)
  }

  async #read<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask()
    } catch (error) {
      if (error instanceof StartError) throw error
      const { message, cause } = error as Error
      throw new ServerAway(
        `${this.origin} does not answer (${(cause as NodeJS.ErrnoException | undefined)?.code ?? message})`,
      )
    }
  }
}

export type Query = Record<string, string | number | boolean | undefined>

async function refusalOf(response: Response): Promise<string> {
  const { origin, pathname } = new URL(response.url)
  const { detail } = (await response.json().catch(() => ({}))) as { detail?: string }
  const hint = response.status === 401 ? `set ${SETTINGS.adminToken.env} to its token` : (detail ?? response.statusText)
  return `${origin}${pathname} answered ${response.status}: ${hint}`
}
