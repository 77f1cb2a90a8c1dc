import { once } from 'node:events'
import { createServer, request as httpRequest, type RequestListener } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import {
  type Attempt,
  createReceiver,
  type HookonceEvent,
  type Receiver,
  type ReceiverOptions,
  type Source,
  type Store,
} from 'hookonce'
import { memoryStore } from 'hookonce/stores/memory'
import { onTestFinished } from 'vitest'

/** A handler's answer, for any adapter. */
export interface Reply {
  status?: number
  headers?: [name: string, value: string][]
  body?: string | Uint8Array
  stream?: AsyncIterable<Uint8Array>
}

export interface Run {
  body: Uint8Array
  attempt: Attempt
  /** 1 for the server's first run, of any key. */
  number: number
}

export type Handle = (run: Run) => Reply | Promise<Reply>

/** Runs before the handler answers. Returns `true` to make a {@link Failure} fail. */
export type Before = () => Promise<boolean>

/** One way to answer with this adapter. */
export interface Way {
  name: string
  status?: number
  headers?: Record<string, string>
  body: string
  listener(source: Source, before: Before): RequestListener
}

/** One way to fail with this adapter. Answers 200 `recovered` if `before` returns `false`. */
export interface Failure {
  name: string
  listener(source: Source, before: Before): RequestListener
}

/** What stands in front of an adapter: who reads requests or responses to their end, and who joins header values. */
export type Limit = 'whole requests' | 'whole responses' | 'one value a request header' | 'one value a response header'

export interface Adapter {
  name: string
  /** Cases that these leave nothing of do not apply. */
  limits?: Limit[]
  listener(source: Source, handle: (run: Omit<Run, 'number'>) => Promise<Reply>): RequestListener
  ways: Way[]
  failures: Failure[]
}

export interface Received {
  status: number
  headers: [name: string, value: string][]
  body: Buffer
  header(name: string): string | undefined
}

export interface Delivering {
  key?: string
  path?: string
  method?: string
  headers?: [name: string, value: string][]
  body?: string | Uint8Array
}

export interface Served {
  receiver: Receiver
  store: Store
  port: number
  runs: Run[]
  /** Connections that the server accepted. */
  sockets: Socket[]
  deliver(delivery?: Delivering): Promise<Received>
}

export async function listen(listener: RequestListener): Promise<{ port: number; sockets: Socket[] }> {
  const server = createServer(listener)
  const sockets: Socket[] = []
  server.on('connection', socket => sockets.push(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  return { port: (server.address() as AddressInfo).port, sockets }
}

/** A receiver and the source to mount. Events are collected instead of printed. */
export function receiverOver(options: Partial<ReceiverOptions> = {}) {
  const store = options.store ?? memoryStore()
  const events: HookonceEvent[] = []
  const receiver: Receiver = createReceiver({ onEvent: event => void events.push(event), ...options, store })
  return { store, receiver, events, source: receiver.source({ name: 'webhook' }) }
}

export async function serve(adapter: Adapter, handle: Handle, options?: Partial<ReceiverOptions>): Promise<Served> {
  const { receiver, source, store } = receiverOver(options)
  const runs: Run[] = []
  const listener = adapter.listener(source, async run => {
    const numbered = { ...run, number: runs.length + 1 }
    runs.push(numbered)
    return handle(numbered)
  })
  const { port, sockets } = await listen(listener)
  return { receiver, store, runs, port, sockets, deliver: delivery => deliver(port, delivery) }
}

export async function deliver(port: number, delivery: Delivering = {}): Promise<Received> {
  const { req, response } = open(port, delivery)
  req.end(delivery.body ?? '{"event":1}')
  return response
}

/** A request whose body is still to be written. */
export function open(port: number, { key, path = '/webhook', method = 'POST', headers = [] }: Delivering = {}) {
  const all = [['host', `127.0.0.1:${port}`], ...headers]
  if (!headers.some(([name]) => name === 'content-type')) all.push(['content-type', 'application/json'])
  if (key !== undefined) all.push(['x-idempotency-key', key])
  // Types know no list of names and values, which alone can name a header twice.
  const list = all.flat() as unknown as Record<string, string>
  const req = httpRequest({ port, host: '127.0.0.1', path, method, agent: false, headers: list })
  const response = new Promise<Received>((resolve, reject) => {
    req.on('error', reject).on('response', res => {
      const chunks: Buffer[] = []
      res.on('data', chunk => chunks.push(chunk)).on('error', reject)
      res.on('end', () => {
        const pairs: [string, string][] = []
        for (let at = 0; at < res.rawHeaders.length; at += 2) {
          pairs.push([res.rawHeaders[at].toLowerCase(), res.rawHeaders[at + 1]])
        }
        const header = (name: string) => pairs.find(([other]) => other === name)?.[1]
        resolve({ status: res.statusCode!, headers: pairs, body: Buffer.concat(chunks), header })
      })
    })
  })
  // Tests that disconnect do not await the answer.
  response.catch(() => {})
  return { req, response }
}

export function gate(): { opened: Promise<void>; open: () => void } {
  let open!: () => void
  const opened = new Promise<void>(resolve => {
    open = resolve
  })
  return { opened, open }
}

/** Waits until `check` returns something, for at most ten seconds. */
export async function eventually<T>(check: () => T | Promise<T>): Promise<NonNullable<T>> {
  const deadline = Date.now() + 10_000
  for (;;) {
    const found = await check()
    if (found) return found
    if (Date.now() > deadline) throw new Error(`never happened: ${check}`)
    await new Promise(resolve => setTimeout(resolve, 2))
  }
}

/** A store with some operations replaced. */
export function storeWith(changes: (store: Store) => Partial<Store>): Store {
  const store = memoryStore()
  return Object.assign(Object.create(store), changes(store))
}

/** The part of an answer that a replay repeats: without headers of one moment or connection, and replay marks. */
export function repeated({ status, headers, body }: Received) {
  const own =
    /^(date|connection|keep-alive|transfer-encoding|content-length|set-cookie|idempotent-replayed|x-cached.*)$/
  return { status, headers: headers.filter(([name]) => !own.test(name)), body: body.toString('latin1') }
}

export const isReplay = (answer: Received): boolean => answer.header('x-cached') === 'true'

/** A handler that answers with its run's number. */
export const ok: Handle = ({ number }) => ({
  headers: [['content-type', 'application/json']],
  body: `{"run":${number}}`,
})

export const counted =
  (count: () => void = () => {}): Before =>
  async () => {
    count()
    return false
  }

export async function* chunks(chunk: Uint8Array, times: number): AsyncIterable<Uint8Array> {
  for (let i = 0; i < times; i++) yield chunk
}
