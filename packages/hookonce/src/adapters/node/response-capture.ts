import { IncomingMessage, OutgoingMessage, ServerResponse } from 'node:http'
import type { HandlerResponse } from '../../http/response.js'
import { HeldEndings } from './deferred-close.js'
import { createOverlay, type Layer } from './method-overlay.js'
import {
  bytesOf,
  type HeaderFields,
  headersSent,
  invalidStatus,
  rawHeaderNames,
  setFields,
  streamError,
} from './node-http-compat.js'
import { Remainder } from './overflow-stream.js'
import { drain } from './rewind.js'

type Callback = (error?: Error | null) => void

/** What a handler sets by assignment. */
const ASSIGNED = ['statusCode', 'statusMessage'] as const

/**
 * Takes over a `ServerResponse` while its handler answers, so that nothing is sent yet and the answer is known
 * whatever way it is given. To the handler the response looks as it always does.
 *
 * What was done to the response before (headers of earlier middleware, wrapped methods, listeners) is outside of the
 * capture: it is neither recorded nor kept from seeing what is really sent.
 */
export class ResponseCapture {
  static readonly #layOver = createOverlay<ResponseCapture>(
    ServerResponse.prototype,
    {
      getHeader: (capture, name: string) => capture.#headers.getHeader(name),
      getHeaders: capture => capture.#headers.getHeaders(),
      getHeaderNames: capture => capture.#headers.getHeaderNames(),
      getRawHeaderNames: capture => rawHeaderNames(capture.#headers),
      hasHeader: (capture, name: string) => capture.#headers.hasHeader(name),
      setHeader: (capture, name: string, value: string) =>
        capture.#changeHeaders('set').setHeader(name, value) && capture.#res,
      setHeaders: (capture, fields: Headers) => capture.#changeHeaders('set').setHeaders(fields) && capture.#res,
      appendHeader: (capture, name: string, value: string) =>
        capture.#changeHeaders('append').appendHeader(name, value) && capture.#res,
      removeHeader: (capture, name: string) => capture.#changeHeaders('remove').removeHeader(name),
      writeHead: (capture, status: number, reason?: string | HeaderFields, fields?: HeaderFields) =>
        capture.#writeHead(status, typeof reason === 'string' ? fields : (fields ?? reason)),
      _implicitHeader: capture => capture.#seal(),
      flushHeaders: capture => capture.#seal(),
      write: (capture, chunk: unknown, encoding?: BufferEncoding | Callback, callback?: Callback) =>
        typeof encoding === 'function'
          ? capture.#write(chunk, undefined, encoding)
          : capture.#write(chunk, encoding, callback),
      end: (capture, chunk?: unknown, encoding?: BufferEncoding | Callback, callback?: Callback) => {
        if (typeof chunk === 'function') capture.#end(undefined, undefined, chunk as Callback)
        else if (typeof encoding === 'function') capture.#end(chunk, undefined, encoding)
        else capture.#end(chunk, encoding, callback)
        return capture.#res
      },
      destroy: (capture, error?: unknown) => {
        capture.#destroyed(error)
        return capture.#res
      },
      addTrailers: () => {},
      cork: () => {},
      uncork: () => {},
      writeContinue: dropped,
      writeProcessing: dropped,
      writeEarlyHints: dropped,
      writeInformation: dropped,
      emit: (capture, event: string, ...args: unknown[]) =>
        capture.#endings.emit(run => capture.outside(run), event, ...args),
    },
    {
      headersSent: capture => capture.#head !== undefined,
      writableEnded: capture => capture.#ended,
      writableFinished: (capture, beneath) => !capture.#endings.holding && beneath,
      writableNeedDrain: capture => capture.#rest?.needDrain ?? false,
    },
  )

  static readonly #layOverRequest = createOverlay<ResponseCapture>(
    IncomingMessage.prototype,
    {
      destroy: (capture, error?: NodeJS.ErrnoException) => {
        // With this error Node itself destroys the request of a sender that disconnected: its body is here all the same.
        if (error?.code !== 'ECONNRESET') capture.#destroyed(error)
        return capture.#req
      },
    },
    {},
  )

  /** Rejects when the handler fails or destroys the response. */
  readonly response: Promise<HandlerResponse>
  /** The same once it is known: ended, or longer than can be recorded. */
  answer: HandlerResponse | undefined
  readonly #req: IncomingMessage
  readonly #res: ServerResponse
  readonly #maxBytes: number
  readonly #laid: Layer<ResponseCapture>
  readonly #laidOverRequest: Layer<ResponseCapture>
  /** The handler's. Those of the response itself stay as they were. */
  readonly #headers = new OutgoingMessage()
  readonly #headersBefore = new Map<string, string>()
  readonly #assignedBefore: Record<string, unknown> = {}
  readonly #endings: HeldEndings
  readonly #chunks: Uint8Array[] = []
  #resolve!: (response: HandlerResponse) => void
  #reject!: (error: unknown) => void
  #size = 0
  #head: Pick<HandlerResponse, 'status' | 'headers'> | undefined
  #rest: Remainder | undefined
  #ended = false
  /** Another answer than the handler's is sent, and the handler still works. */
  #late = false

  constructor(req: IncomingMessage, res: ServerResponse, maxResponseBytes: number) {
    this.response = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.#req = req
    this.#res = res
    this.#maxBytes = maxResponseBytes
    for (const name of res.getHeaderNames()) {
      const value = res.getHeader(name)!
      this.#headers.setHeader(name, Array.isArray(value) ? [...value] : value)
      this.#headersBefore.set(name, String(value))
    }
    for (const name of ASSIGNED) this.#assignedBefore[name] = res[name]
    this.#endings = new HeldEndings(res, error => this.#destroyed(error))
    this.#laid = ResponseCapture.#layOver(res, this)
    this.#laidOverRequest = ResponseCapture.#layOverRequest(req, this)
  }

  /** The sender disconnected before it could be answered. */
  get gone(): boolean {
    return this.#endings.gone
  }

  /** Says whether the failure is the answer's: one that comes after its end is not. */
  fail(error: unknown): boolean {
    if (this.#ended) return false
    this.#ended = true
    if (this.#rest) this.#rest.fail(error)
    else this.#reject(error)
    if (this.#late) process.nextTick(() => this.restore())
    return true
  }

  /**
   * The answer is known and about to be sent through {@link outside}. The response is restored: at once if the handler
   * is done, by a call of {@link restore} if its remainder is sent (`streams`), else when the handler is done at last.
   */
  release(streams: boolean): void {
    this.#late = !streams && !this.#ended
    this.#endings.returnSocket()
    for (const name of ASSIGNED) {
      if (this.#late) this.#split(name)
      else Object.assign(this.#res, { [name]: this.#assignedBefore[name] })
    }
    if (streams) this.#endings.letGo()
    else if (!this.#late) this.restore()
  }

  /** Runs something on the response itself, past the capture. */
  outside<T>(run: () => T): T {
    return this.#laid.past(run)
  }

  restore(): void {
    if (this.#late) for (const name of ASSIGNED) this.#join(name)
    this.#laid.remove()
    this.#laidOverRequest.remove()
    this.#endings.letGo()
    drain(this.#req)
  }

  /** Two values under one name: the handler's, and what is really sent. */
  #split(name: (typeof ASSIGNED)[number]): void {
    let handlers: unknown = this.#res[name]
    let sent = this.#assignedBefore[name]
    Object.defineProperty(this.#res, name, {
      configurable: true,
      enumerable: true,
      get: () => (this.#laid.looksPast ? sent : handlers),
      set: (value: unknown) => {
        if (this.#laid.looksPast) sent = value
        else handlers = value
      },
    })
  }

  #join(name: (typeof ASSIGNED)[number]): void {
    const value = this.outside(() => this.#res[name])
    Object.defineProperty(this.#res, name, { configurable: true, enumerable: true, writable: true, value })
  }

  #changeHeaders(verb: string): OutgoingMessage {
    if (this.#head) throw headersSent(verb)
    return this.#headers
  }

  #writeHead(status: number, fields: HeaderFields | undefined): ServerResponse {
    setFields(this.#changeHeaders('write'), fields)
    this.#res.statusCode = status
    this.#seal()
    return this.#res
  }

  #destroyed(error: unknown): void {
    this.fail(error ?? new Error('the handler destroyed the connection'))
  }

  /** From here on status and headers are what they are. */
  #seal(): void {
    if (this.#head) return
    const status = Number(this.#res.statusCode)
    if (!(status >= 200 && status <= 599)) throw invalidStatus(status)
    const headers: [string, string][] = []
    for (const name of this.#headers.getHeaderNames()) {
      const value = this.#headers.getHeader(name)!
      if (String(value) === this.#headersBefore.get(name)) continue
      for (const one of Array.isArray(value) ? value : [value]) headers.push([name, String(one)])
    }
    this.#head = { status, headers }
  }

  #write(chunk: unknown, encoding: BufferEncoding | undefined, callback: Callback = () => {}): boolean {
    const bytes = bytesOf(chunk, encoding)
    if (this.#ended) {
      process.nextTick(callback, streamError('ERR_STREAM_WRITE_AFTER_END', 'write after end'))
      return false
    }
    this.#seal()
    // Copied, for the writer may use its buffer again once it was called back.
    return this.#accept(typeof chunk === 'string' ? bytes : Buffer.from(bytes), callback)
  }

  #end(chunk: unknown, encoding: BufferEncoding | undefined, callback: Callback | undefined): void {
    if (this.#ended) {
      if (callback) process.nextTick(callback, streamError('ERR_STREAM_ALREADY_FINISHED', 'end after end'))
      return
    }
    const bytes = chunk ? bytesOf(chunk, encoding) : undefined
    this.#seal()
    if (bytes) this.#accept(bytes, () => {})
    this.#ended = true
    if (callback) this.#res.once('finish', callback)
    if (this.#rest) this.#rest.end()
    else this.#answer()
    if (this.#late) process.nextTick(() => this.restore())
  }

  #accept(bytes: Uint8Array, callback: Callback): boolean {
    const status = this.#head!.status
    if (this.#rest) return this.#rest.push(bytes, callback)
    process.nextTick(callback)
    if (status === 204 || status === 304 || this.#res.req.method === 'HEAD') return true
    this.#chunks.push(bytes)
    this.#size += bytes.length
    if (this.#size <= this.#maxBytes) return true
    this.#rest = new Remainder(() => this.#res.emit('drain'))
    this.#answer()
    return false
  }

  #answer(): void {
    const body = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks, this.#size)
    this.#chunks.length = 0
    const { status, headers } = this.#head!
    this.answer = this.#rest ? { status, headers, body, rest: this.#rest } : { status, headers, body }
    this.#resolve(this.answer)
  }
}

/** 1xx responses are not sent; whoever waits for one goes on. */
function dropped(_: ResponseCapture, ...args: unknown[]): void {
  const callback = args.at(-1)
  if (typeof callback === 'function') process.nextTick(callback)
}
