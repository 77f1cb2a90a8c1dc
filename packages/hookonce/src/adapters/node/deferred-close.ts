import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { connectedView } from './socket-proxy.js'

type Listener = (...args: unknown[]) => void
type Ending = 'finish' | 'close'

/**
 * Keeps from a handler how its response ends until it may know: a pipe or a library that learns of a disconnected
 * sender stops in the middle. Listeners from before the handler are outside of this and hear at once.
 */
export class HeldEndings {
  holding = true
  /** The sender disconnected, or it was answered, while endings were held. */
  gone = false
  readonly #res: ServerResponse
  readonly #emitBeneath: ServerResponse['emit']
  readonly #before: Record<Ending, Listener[]>
  readonly #held: Ending[] = []
  readonly #socket: Socket | null
  readonly #view: Socket | null
  readonly #socketEndings = new EventEmitter()

  /** @param destroyed the handler destroyed the socket */
  constructor(res: ServerResponse, destroyed: (error?: unknown) => void) {
    this.#res = res
    this.#emitBeneath = res.emit
    this.#before = { finish: res.rawListeners('finish') as Listener[], close: res.rawListeners('close') as Listener[] }
    this.#socket = res.socket
    this.#view = res.socket && connectedView(res.socket, this.#socketEndings, destroyed)
    this.#assign({ socket: this.#view })
    if (res.destroyed) this.#keep('close')
  }

  /** What `res.emit` does meanwhile. `outside`: runs the listeners of the outside. */
  emit(outside: (run: () => void) => void, event: string, ...args: unknown[]): boolean {
    if (this.holding && (event === 'finish' || event === 'close')) {
      for (const listener of this.#before[event]) outside(() => Reflect.apply(listener, this.#res, args))
      this.#keep(event)
      return true
    }
    if (event === 'close') this.#socketEndings.emit('close')
    return this.#emitBeneath.call(this.#res, event, ...args)
  }

  /** The response has its own socket again. */
  returnSocket(): void {
    if (this.#res.socket === this.#view) this.#assign({ socket: this.#socket })
  }

  /** The handler hears what happened meanwhile, and from here on what happens. */
  letGo(): void {
    if (!this.holding) return
    this.holding = false
    for (const event of this.#held) {
      if (event === 'close') {
        this.#assign({ destroyed: true, _closed: true })
        this.#socketEndings.emit('close')
      }
      for (const listener of this.#res.rawListeners(event) as Listener[]) {
        if (!this.#before[event].includes(listener)) Reflect.apply(listener, this.#res, [])
      }
    }
    if (this.#socketEndings.listenerCount('close') > 0) {
      this.#res.once('close', () => this.#socketEndings.emit('close'))
    }
  }

  #keep(event: Ending): void {
    this.#held.push(event)
    if (event === 'finish') return
    this.gone = true
    // What streams look at before they write. Node set both.
    this.#assign({ destroyed: false, _closed: false })
  }

  #assign(members: object): void {
    Object.assign(this.#res, members)
  }
}
