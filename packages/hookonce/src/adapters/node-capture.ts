import { EventEmitter } from 'node:events'
import { type IncomingMessage, OutgoingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { HandlerResponse } from '../response.js'
import { Overlay } from './node-overlay.js'
import { Remainder } from './node-remainder.js'
import { connectedView } from './node-socket.js'
import { bytesOf, type HeaderFields, headersSent, invalidStatus, setFields, streamError } from './node-writing.js'

type Callback = (error?: Error | null) => void
type Listener = (...args: unknown[]) => void

/** The end of a response as its handler would see it; what stops a pipe into it. */
const ENDINGS = ['finish', 'close'] as const

/**
 * Takes over a `ServerResponse` while its handler answers, so that nothing is sent yet and the answer is known
 * whatever way it is given. To the handler the response looks as it always does.
 *
 * What was done to the response before (headers of earlier middleware, wrapped methods, listeners) is outside of the
 * capture: it is neither recorded nor kept from seeing what is really sent.
 */
export class ResponseCapture {
  /** Rejects when the handler fails or destroys the response. */
  readonly response: Promise<HandlerResponse>
  readonly #res: ServerResponse
  readonly #maxBytes: number
  readonly #overlays: [Overlay, Overlay]
  readonly #emit: ServerResponse['emit']
  readonly #headers = new OutgoingMessage()
  readonly #headersBefore = new Map<string, string>()
  readonly #listenersBefore = new Map<string, Listener[]>()
  readonly #socketEndings = new EventEmitter()
  readonly #chunks: Uint8Array[] = []
  #resolve!: (response: HandlerResponse) => void
  #reject!: (error: unknown) => void
  #size = 0
  #head: Pick<HandlerResponse, 'status' | 'headers'> | undefined
  #rest: Remainder | undefined
  #ended = false
  /** While true the handler is not told how the response ended; it is told afterwards. */
  #holding = true
  #held: string[] = []
  /** Another answer than the handler's was sent. */
  #late = false
  #gone = false

  constructor(req: IncomingMessage, res: ServerResponse, maxResponseBytes: number) {
    this.response = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.#res = res
    this.#maxBytes = maxResponseBytes
    this.#emit = res.emit.bind(res)
    for (const name of res.getHeaderNames()) {
      const value = res.getHeader(name)!
      this.#headers.setHeader(name, Array.isArray(value) ? [...value] : value)
      this.#headersBefore.set(name, String(value))
    }
    for (const event of ENDINGS) this.#listenersBefore.set(event, res.rawListeners(event) as Listener[])
    this.#overlays = [this.#layOver(res), this.#guard(req)]
    if (res.destroyed) {
      this.#held.push('close')
      this.#hideClose()
    }
  }

  /** The sender disconnected before it could be answered. */
  get gone(): boolean {
    return this.#gone
  }

  fail(error: unknown): void {
    if (this.#ended) return
    this.#ended = true
    if (this.#rest) this.#rest.fail(error)
    else this.#reject(error)
    if (this.#late) this.restore()
  }

  /**
   * The answer is known and about to be sent through {@link outside}. The response is restored: at once if the handler
   * is done, by a call of {@link restore} if its remainder is sent (`streams`), else when the handler is done at last.
   */
  release(streams: boolean): void {
    if (streams) this.#letGo()
    else if (this.#ended) this.restore()
    else this.#late = true
  }

  /** Runs something on the response itself, past the capture. */
  outside<T>(run: () => T): T {
    return this.#overlays[0].past(run)
  }

  restore(): void {
    for (const overlay of this.#overlays) overlay.remove()
    this.#letGo()
    if (this.#socketEndings.listenerCount('close') > 0) {
      this.#res.once('close', () => this.#socketEndings.emit('close'))
    }
  }

  #layOver(res: ServerResponse): Overlay {
    const overlay = new Overlay(res)
    const headers = this.#headers
    for (const name of ['getHeader', 'getHeaders', 'getHeaderNames', 'getRawHeaderNames', 'hasHeader']) {
      const ask = (headers as unknown as Record<string, (field: string) => unknown>)[name]!
      overlay.method(name, (field: string) => ask.call(headers, field))
    }
    for (const name of ['setHeader', 'appendHeader', 'removeHeader'] as const) {
      overlay.method(name, (field: string, value: string) => {
        if (this.#head) throw headersSent(name.slice(0, -'Header'.length))
        headers[name](field, value)
        return res
      })
    }
    overlay.method('setHeaders', (fields: Headers) => {
      if (this.#head) throw headersSent('set')
      headers.setHeaders(fields)
      return res
    })
    overlay.method('writeHead', (status: number, reason?: unknown, fields?: HeaderFields) => {
      if (this.#head) throw headersSent('write')
      setFields(headers, typeof reason === 'string' ? fields : (fields ?? (reason as HeaderFields | undefined)))
      res.statusCode = status
      this.#seal()
      return res
    })
    overlay.method('_implicitHeader', () => this.#seal())
    overlay.method('flushHeaders', () => this.#seal())
    overlay.method('write', (chunk: unknown, encoding?: BufferEncoding | Callback, callback?: Callback) =>
      typeof encoding === 'function' ? this.#write(chunk, undefined, encoding) : this.#write(chunk, encoding, callback),
    )
    overlay.method('end', (chunk?: unknown, encoding?: BufferEncoding | Callback, callback?: Callback) => {
      if (typeof chunk === 'function') this.#end(undefined, undefined, chunk as Callback)
      else if (typeof encoding === 'function') this.#end(chunk, undefined, encoding)
      else this.#end(chunk, encoding, callback)
      return res
    })
    overlay.method('destroy', (error?: unknown) => {
      this.#destroyed(error)
      return res
    })
    for (const name of ['addTrailers', 'cork', 'uncork'] as const) overlay.method(name, () => {})
    for (const name of ['writeContinue', 'writeProcessing', 'writeEarlyHints', 'writeInformation']) {
      overlay.method(name, (...args: unknown[]) => {
        const callback = args.at(-1)
        if (typeof callback === 'function') process.nextTick(callback as Callback)
      })
    }
    overlay.method('emit', (event: string, ...args: unknown[]) => {
      if (this.#holding && (event === 'finish' || event === 'close')) return this.#hold(event)
      if (event === 'close') this.#socketEndings.emit('close')
      return this.#emit(event, ...args)
    })
    overlay.shadow('statusCode')
    overlay.shadow('statusMessage')
    overlay.getter('headersSent', () => this.#head !== undefined)
    overlay.getter('writableEnded', () => this.#ended)
    overlay.getter('writableFinished', beneath => !this.#holding && beneath())
    overlay.getter('writableNeedDrain', () => this.#rest?.needDrain ?? false)
    overlay.veil<Socket | null>('socket', socket =>
      socket && this.#holding ? connectedView(socket, this.#socketEndings, error => this.#destroyed(error)) : socket,
    )
    return overlay
  }

  #guard(req: IncomingMessage): Overlay {
    const overlay = new Overlay(req)
    overlay.method('destroy', (error?: NodeJS.ErrnoException) => {
      // Node itself destroys the request of a sender that disconnected, with this error.
      if (error?.code === 'ECONNRESET') overlay.past(() => req.destroy(error))
      else this.#destroyed(error)
      return req
    })
    return overlay
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
    if (this.#late) this.restore()
  }

  #accept(bytes: Uint8Array, callback: Callback): boolean {
    const status = this.#head!.status
    if (this.#rest) return this.#rest.push(bytes, callback)
    process.nextTick(callback)
    if (status === 204 || status === 304 || this.#res.req.method === 'HEAD') return true
    this.#chunks.push(bytes)
    this.#size += bytes.length
    if (this.#size <= this.#maxBytes) return true
    this.#rest = new Remainder(() => this.#emit('drain'))
    this.#answer()
    return false
  }

  #answer(): void {
    const body = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks, this.#size)
    this.#chunks.length = 0
    this.#resolve({ ...this.#head!, body, ...(this.#rest && { rest: this.#rest }) })
  }

  /** Tells the outside at once and the handler later. */
  #hold(event: string): true {
    for (const listener of this.#listenersBefore.get(event)!) this.outside(() => Reflect.apply(listener, this.#res, []))
    this.#held.push(event)
    if (event === 'close') this.#hideClose()
    return true
  }

  #hideClose(): void {
    this.#gone = true
    setClosed(this.#res, false)
  }

  #letGo(): void {
    if (!this.#holding) return
    this.#holding = false
    for (const event of this.#held.splice(0)) {
      if (event === 'close') {
        setClosed(this.#res, true)
        this.#socketEndings.emit('close')
      }
      const before = this.#listenersBefore.get(event)!
      for (const listener of this.#res.rawListeners(event) as Listener[]) {
        if (!before.includes(listener)) Reflect.apply(listener, this.#res, [])
      }
    }
  }
}

/** What streams look at before they write. Node sets both when it emits 'close'. */
function setClosed(res: ServerResponse, closed: boolean): void {
  Object.assign(res, { destroyed: closed, _closed: closed })
}
