import { type OutgoingHttpHeader, type OutgoingHttpHeaders, type OutgoingMessage, ServerResponse } from 'node:http'
import { PassThrough } from 'node:stream'
import { isUint8Array } from 'node:util/types'
import type { HandlerResponse } from '../../http/response.js'
import { overflowOf } from './overflow-stream.js'

type Callback = (error?: Error | null) => void

/** What `writeHead` takes: an object, or a flat list of names and values. */
type HeaderFields = OutgoingHttpHeaders | OutgoingHttpHeader[]

/**
 * What a handler writes to. It is a `ServerResponse` without a socket: headers and states follow Node's own rules, and
 * the body becomes a {@link HandlerResponse}.
 *
 * Emits `close` when the handler has ended or failed.
 */
export class CapturedResponse extends ServerResponse {
  /** Resolves when the response has ended or is longer than `maxBytes`; rejects when the handler fails before. */
  readonly response: Promise<HandlerResponse>
  /** What `response` resolved with. */
  answer: HandlerResponse | undefined
  readonly #res: ServerResponse
  readonly #maxBytes: number
  /** Of earlier middleware: they are on every answer, and only a changed one is part of this response. */
  readonly #headersBefore = new Map<string, string>()
  readonly #chunks: Uint8Array[] = []
  #size = 0
  #head: Pick<HandlerResponse, 'status' | 'headers'> | undefined
  #overflow: PassThrough | undefined
  #resolve!: (response: HandlerResponse) => void
  #reject!: (error: unknown) => void

  constructor(res: ServerResponse, maxBytes: number) {
    super(res.req)
    this.response = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.#res = res
    this.#maxBytes = maxBytes
    this.statusCode = res.statusCode
    for (const name of res.getHeaderNames()) {
      const value = res.getHeader(name)!
      this.setHeader(name, Array.isArray(value) ? [...value] : value)
      this.#headersBefore.set(name, String(value))
    }
    // A write after the end emits `error` here. Its callback gets the error too.
    this.on('error', () => {})
  }

  get needsDrain(): boolean {
    return this.#overflow?.writableNeedDrain ?? false
  }

  override writeHead(status: number, reason?: string | HeaderFields, fields?: HeaderFields): this {
    setFields(this, typeof reason === 'string' ? fields : (fields ?? reason))
    super.writeHead(status)
    const headers: [string, string][] = []
    for (const name of this.getHeaderNames()) {
      const value = this.getHeader(name)!
      if (String(value) === this.#headersBefore.get(name)) continue
      for (const one of Array.isArray(value) ? value : [value]) headers.push([name, String(one)])
    }
    this.#head = { status: this.statusCode, headers }
    return this
  }

  override flushHeaders(): void {
    if (!this.headersSent) this.writeHead(this.statusCode)
  }

  override write(chunk: unknown, encoding?: BufferEncoding | Callback, callback?: Callback): boolean {
    if (typeof encoding === 'function') return this.write(chunk, undefined, encoding)
    const bytes = bytesOf(chunk, encoding)
    if (this.writableEnded) return super.write('', callback)
    this.flushHeaders()
    return this.#add(bytes, callback)
  }

  override end(chunk?: unknown, encoding?: BufferEncoding | Callback, callback?: Callback): this {
    if (typeof chunk === 'function') return this.end(undefined, undefined, chunk as Callback)
    if (typeof encoding === 'function') return this.end(chunk, undefined, encoding)
    if (callback) this.#res.once('finish', callback)
    if (this.writableEnded) return this
    const bytes = chunk ? bytesOf(chunk, encoding) : undefined
    this.flushHeaders()
    if (bytes) this.#add(bytes)
    this.#finish()
    if (this.#overflow) this.#overflow.end()
    else this.#settle()
    return this
  }

  override destroy(error: unknown = new Error('the handler destroyed the connection')): this {
    this.fail(error)
    return this
  }

  /** Fails the attempt. Returns false if the response has ended before. */
  fail(error: unknown): boolean {
    if (this.writableEnded) return false
    this.#finish()
    if (this.#overflow) this.#overflow.destroy(error as Error)
    else this.#reject(error)
    return true
  }

  #add(bytes: Uint8Array, callback: Callback = () => {}): boolean {
    if (this.#overflow) return this.#overflow.write(bytes, callback)
    process.nextTick(callback)
    const { status } = this.#head!
    if (status === 204 || status === 304 || this.req.method === 'HEAD') return true
    this.#chunks.push(bytes)
    this.#size += bytes.length
    if (this.#size <= this.#maxBytes) return true
    this.#overflow = new PassThrough().on('drain', () => this.#res.emit('drain'))
    this.#settle()
    return true
  }

  #settle(): void {
    const body = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks, this.#size)
    this.#chunks.length = 0
    this.answer = { ...this.#head!, body }
    if (this.#overflow) this.answer.rest = overflowOf(this.#overflow)
    this.#resolve(this.answer)
  }

  #finish(): void {
    this.finished = true
    process.nextTick(() => this.emit('close'))
  }
}

/** Replaces headers as `writeHead` does, and keeps several values of one name, which Node 20 may lose. */
function setFields(headers: OutgoingMessage, fields: HeaderFields = {}): void {
  if (Array.isArray(fields)) {
    for (let at = 0; at < fields.length; at += 2) headers.removeHeader(String(fields[at]))
    for (let at = 0; at < fields.length; at += 2) headers.appendHeader(String(fields[at]), fields[at + 1] as string)
  } else {
    for (const [name, value] of Object.entries(fields)) headers.setHeader(name, value!)
  }
}

/** A copy: the writer may use its buffer again after the callback. @throws {TypeError} as `res.write` does */
function bytesOf(chunk: unknown, encoding: BufferEncoding | undefined): Buffer {
  if (typeof chunk === 'string') return Buffer.from(chunk, encoding)
  if (isUint8Array(chunk)) return Buffer.from(chunk)
  const error = new TypeError('The "chunk" argument must be a string or a Uint8Array')
  throw Object.assign(error, { code: 'ERR_INVALID_ARG_TYPE' })
}
