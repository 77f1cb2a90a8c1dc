import { connect, type Socket } from 'node:net'
import { onCleanup } from './until.js'

export interface RawAnswer {
  status: number
  /** Names in lower case. */
  headers: Map<string, string>
  body: Buffer
}

export const HERD_EVENT = JSON.stringify({ event: 'herd', pad: 'x'.repeat(5_000) })
/** The least rate allows a body of this length 20 s. */
const LONGEST_WAIT_MS = 12_000
/** The listen backlog of node:http is 511; what comes beyond it is tried again by the kernel after a second. */
const CONNECTING_AT_ONCE = 200

interface Member {
  socket: Socket
  answer: Promise<RawAnswer>
  /** Resolves when the network has every byte. */
  charge(): Promise<unknown>
}

/** Many deliveries of one key, each on a connection of its own, of which only the last byte is missing. */
export class Herd {
  readonly #members: Member[] = []

  /**
   * The headers go out while others still connect: a server gives a connection without any only some seconds.
   * Where that takes long, those that came first charge before the rest.
   */
  async gather(url: string, key: string, count: number): Promise<void> {
    const { hostname, port } = new URL(url)
    let next = 0
    const gatherer = async () => {
      while (next < count) {
        next++
        const socket = connect({ host: hostname, port: Number(port), noDelay: true })
        const answer = readAnswer(socket)
        answer.catch(() => {})
        await Promise.race([new Promise(resolve => socket.once('connect', resolve)), answer])
        let charged: Promise<unknown> | undefined
        const charge = () => {
          clearTimeout(longest)
          charged ??= new Promise(resolve => socket.write(HERD_EVENT.slice(-1), resolve))
          return charged
        }
        const longest = setTimeout(charge, LONGEST_WAIT_MS).unref()
        this.#members.push({ socket, answer, charge })
        socket.write(
          `POST /webhook HTTP/1.1\r\nHost: ${hostname}:${port}\r\nX-Idempotency-Key: ${key}\r\n` +
            `Content-Type: application/json\r\nContent-Length: ${HERD_EVENT.length}\r\n\r\n${HERD_EVENT.slice(0, -1)}`,
        )
      }
    }
    onCleanup(() => this.disperse())
    await Promise.all(Array.from({ length: CONNECTING_AT_ONCE }, gatherer))
  }

  /** All at once. Resolves when the network has every byte. */
  async charge(): Promise<void> {
    await Promise.all(this.#members.map(member => member.charge()))
  }

  answers(): Promise<RawAnswer[]> {
    return Promise.all(this.#members.map(({ answer }) => answer))
  }

  disperse(): void {
    for (const { socket } of this.#members.splice(0)) socket.destroy()
  }
}

/** Reads one response with a Content-Length. */
function readAnswer(socket: Socket): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0)
    socket.on('data', chunk => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
      const headEnd = received.indexOf('\r\n\r\n')
      if (headEnd === -1) return
      const [statusLine = '', ...lines] = received.subarray(0, headEnd).toString('latin1').split('\r\n')
      const headers = new Map(lines.map(line => splitHeader(line)))
      const body = received.subarray(headEnd + 4)
      if (body.length < Number(headers.get('content-length'))) return
      resolve({ status: Number(statusLine.split(' ')[1]), headers, body })
    })
    socket.once('error', reject)
    socket.once('close', () => reject(new Error(`a connection ended after ${received.length} bytes of its answer`)))
  })
}

function splitHeader(line: string): [string, string] {
  const colon = line.indexOf(':')
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
}
