import type { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'

/** `on-finished`, which Express' `sendFile` uses, waits for these on a response's socket. */
const CLOSE_EVENTS = new Set<unknown>(['close', 'end', 'error'])
const SUBSCRIBING = new Set<unknown>(['on', 'once', 'addListener', 'prependListener', 'prependOnceListener'])
const UNSUBSCRIBING = new Set<unknown>(['off', 'removeListener'])
const DESTROYING = new Set<unknown>(['destroy', 'destroySoon', 'resetAndDestroy'])

/**
 * A handler's view of the socket. It looks connected, and its close events come from `closeEvents`: a sender that
 * disconnects does not stop the attempt. Everything else is the socket's own.
 */
export function connectedView(socket: Socket, closeEvents: EventEmitter, destroyed: (error?: unknown) => void): Socket {
  const view: Socket = new Proxy(socket, {
    get(target, name) {
      if (name === 'destroyed') return false
      if (name === 'writable') return true
      if (DESTROYING.has(name)) {
        return (error?: unknown) => {
          destroyed(error)
          return view
        }
      }
      const member: unknown = Reflect.get(target, name, target)
      if (typeof member !== 'function') return member
      if (!SUBSCRIBING.has(name) && !UNSUBSCRIBING.has(name)) return member.bind(target)
      return (event: string, listener: () => void) => {
        const emitter = CLOSE_EVENTS.has(event) ? closeEvents : target
        emitter[name as 'on'](event, listener)
        return view
      }
    },
    set: (target, name, value) => Reflect.set(target, name, value, target),
  })
  return view
}
