import type { Event } from './events.js'

/** How a body stands on the wire: the header fields that say where it ends, and its bytes. */
export interface Framed {
  headers: [name: string, value: string][]
  payload: Buffer
}

/** A request that mutations change before it is written. Texts are one character a byte. */
export interface Draft {
  method: string
  target: string
  version: string
  headers: [name: string, value: string][]
  body: Buffer
  frame: (body: Buffer) => Framed
  /** What happens to the bytes at last, in this order. */
  changes: ((bytes: Buffer) => Buffer)[]
}

/** An event as its sender delivers it. `now`: ms since the epoch. */
export function draftOf(
  event: Event,
  { number, now }: { number: number; now: number },
  by = event.source.sender,
): Draft {
  const { source, body, id, query, contentType, contentEncoding } = event
  const url = source.publicUrl + query
  return {
    method: 'POST',
    target: `/hooks/${source.name}${query}`,
    version: 'HTTP/1.1',
    headers: [
      ['Host', 'hooks.example.com'],
      ['User-Agent', `fuzz/${number}`],
      ['Accept', '*/*'],
      ...field('Content-Type', contentType),
      ...field('Content-Encoding', contentEncoding),
      ...by.sign({ method: 'POST', url, body, id, now }).map(([name, value]): [string, string] => [name, value]),
    ],
    body,
    frame: plain,
    changes: [],
  }
}

const field = (name: string, value: string | undefined): [string, string][] => (value ? [[name, value]] : [])

/** With its length. */
export const plain = (body: Buffer): Framed => ({
  headers: [['Content-Length', String(body.length)]],
  payload: body,
})

export function bytesOf({ method, target, version, headers, body, frame, changes }: Draft): Buffer {
  const framed = frame(body)
  const lines = [...headers, ...framed.headers].map(([name, value]) => `${name}: ${value}\r\n`).join('')
  const head = Buffer.from(`${method} ${target} ${version}\r\n${lines}\r\n`, 'latin1')
  return changes.reduce<Buffer>((bytes, change) => change(bytes), Buffer.concat([head, framed.payload]))
}
