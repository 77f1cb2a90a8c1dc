import type { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'

/** Libraries that wait for the end of a response (on-finished) watch these on its socket. */
const ENDINGS = new Set<unknown>(['close', 'end', 'error'])
const LISTENING = new Set<unknown>(['on', 'once', 'addListener', 'prependListener', 'prependOnceListener'])
const UNLISTENING = new Set<unknown>(['off', 'removeListener'])
const DESTROYING = new Set<unknown>(['destroy', 'destroySoon', 'resetAndDestroy'])

/**
 * A handler's view of the socket: it looks connected, and its end is told through `endings` only, so that a sender
 * who disconnects stops nobody in the middle of an attempt. Everything else is the socket's own.
 */
export function connectedView(socket: Socket, endings: EventEmitter, destroyed: (error?: unknown) => void): Socket {
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
      if (!LISTENING.has(name) && !UNLISTENING.has(name)) return member.bind(target)
      return (event: string, listener: () => void) => {
        const emitter = ENDINGS.has(event) ? endings : target
        emitter[name as 'on'](event, listener)
        return view
      }
    },
    set: (target, name, value) => Reflect.set(target, name, value, target),
  })
  return view
}
