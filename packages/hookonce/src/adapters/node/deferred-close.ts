import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { CapturedResponse } from './captured-response.js'
import type { MethodOverlay } from './method-overlay.js'
import { connectedView } from './socket-proxy.js'

type Listener = (...args: unknown[]) => void

/**
 * Defers `finish` and `close` of a response for its handler: a pipe that sees its destination close stops in the
 * middle. Listeners from before the handler are called at once.
 */
export class DeferredClose {
  /** The response closed while its events were deferred. */
  gone = false
  readonly #res: ServerResponse
  readonly #overlay: MethodOverlay
  readonly #emit: ServerResponse['emit']
  readonly #listenersBefore: Record<string, Listener[]>
  readonly #deferred: string[] = []
  readonly #socket: Socket | null
  readonly #view: Socket | null
  readonly #socketEvents = new EventEmitter()
  #stopped = false

  constructor(res: ServerResponse, overlay: MethodOverlay, captured: CapturedResponse) {
    this.#res = res
    this.#overlay = overlay
    this.#emit = res.emit
    this.#listenersBefore = {
      finish: res.rawListeners('finish') as Listener[],
      close: res.rawListeners('close') as Listener[],
    }
    this.#socket = res.socket
    this.#view = res.socket && connectedView(res.socket, this.#socketEvents, error => captured.destroy(error))
    this.#assign({ socket: this.#view })
    this.#assign({ [DEFERRED]: this, emit: emitDeferred })
    if (res.destroyed) this.#defer('close')
  }

  emit(event: string, args: unknown[]): boolean {
    const before = this.#listenersBefore[event]
    if (before === undefined) return this.#emit.call(this.#res, event, ...args)
    for (const listener of before) this.#overlay.bypass(() => Reflect.apply(listener, this.#res, args))
    this.#defer(event)
    return true
  }

  /** The response has its own socket again. */
  returnSocket(): void {
    if (this.#res.socket === this.#view) this.#assign({ socket: this.#socket })
  }

  /** Emits to the handler's listeners what was deferred. What comes later is emitted as usual. */
  stop(): void {
    if (this.#stopped) return
    this.#stopped = true
    this.#res.emit = this.#emit
    this.#res.once('close', () => this.#socketEvents.emit('close'))
    for (const event of this.#deferred) {
      if (event === 'close') this.#assign({ destroyed: true, _closed: true })
      for (const listener of this.#res.rawListeners(event) as Listener[]) {
        if (!this.#listenersBefore[event]!.includes(listener)) Reflect.apply(listener, this.#res, [])
      }
    }
  }

  #defer(event: string): void {
    this.#deferred.push(event)
    if (event === 'finish') return
    this.gone = true
    // Node set both, and streams read them before they write.
    this.#assign({ destroyed: false, _closed: false })
  }

  #assign(members: object): void {
    Object.assign(this.#res, members)
  }
}

const DEFERRED = Symbol('hookonce')

function emitDeferred(this: { [DEFERRED]: DeferredClose }, event: string, ...args: unknown[]): boolean {
  return this[DEFERRED].emit(event, args)
}
