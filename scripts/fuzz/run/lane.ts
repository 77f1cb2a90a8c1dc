import { connect, type Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { Answers, type WireAnswer } from './answers.js'

export interface Exchange {
  bytes: Buffer
  /** In so many writes. */
  pieces: number
  /** Of the requests that are answered, if all goes well. */
  methods: readonly string[]
  /** How many answers are enough. */
  answers: number
  /** What the client does when all is written, or, where the server may wait for more, when nothing comes for a while. */
  afterwards: 'waits' | 'ends when it is quiet' | 'ends' | 'breaks off'
  /** The connection may be used again. */
  goesOn: boolean
}

export interface Exchanged {
  answers: WireAnswer[]
  /** What is no HTTP, if any came. */
  garbage: string | undefined
  /** The connection was still open, and nothing came any more. */
  stalled: boolean
}

/** After so long without a word of the server the client says that it will send nothing more. */
const QUIET_MS = 1_000

const PATIENCE_MS = 20_000

/** A connection that was not used for longer may be ended by the server at any moment. */
const MOST_IDLE_MS = 3_000

/** A client's connection, made anew whenever the last one has ended. */
export class Lane {
  readonly #port: number
  #socket: Socket | undefined
  #usedAt = 0

  constructor(port: number) {
    this.#port = port
  }

  /** Resolves with what came. @throws the server cannot be connected to */
  async exchange({ bytes, pieces, methods, answers: enough, afterwards, goesOn }: Exchange): Promise<Exchanged> {
    const socket = this.#kept() ?? (await this.#connect())
    this.#socket = undefined
    const answers = new Answers(methods)
    let stalled = false
    const ended = new Promise<void>(resolve => {
      const onData = (chunk: Buffer) => {
        answers.push(chunk)
        if (answers.read.length >= enough || answers.read.at(-1)?.closes) settle()
      }
      const quiet = afterwards === 'ends when it is quiet' ? setTimeout(() => socket.end(), QUIET_MS) : undefined
      const patience = setTimeout(() => {
        stalled = true
        settle()
      }, PATIENCE_MS)
      const settle = () => {
        clearTimeout(quiet)
        clearTimeout(patience)
        socket.off('data', onData).off('close', settle)
        resolve()
      }
      socket.on('data', onData).once('close', settle)
    })
    await write(socket, bytes, pieces)
    if (afterwards === 'ends') socket.end()
    if (afterwards === 'breaks off') socket.resetAndDestroy()
    await ended
    const { read, garbage } = answers
    if (goesOn && read.length === methods.length && garbage === undefined && !read.at(-1)!.closes) this.#socket = socket
    else socket.destroy()
    this.#usedAt = performance.now()
    return { answers: read, garbage, stalled }
  }

  #kept(): Socket | undefined {
    if (this.#socket?.writable && performance.now() - this.#usedAt < MOST_IDLE_MS) return this.#socket
    this.#socket?.destroy()
    return undefined
  }

  close(): void {
    this.#socket?.destroy()
  }

  async #connect(): Promise<Socket> {
    const socket = connect({ port: this.#port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve).once('error', reject)
    })
    // What breaks off is closed, and that is enough to know. The server's end is the end.
    socket.removeAllListeners('error').on('error', () => {})
    socket.once('end', () => socket.end())
    return socket
  }
}

/** Ends when the bytes have left, or never will. */
async function write(socket: Socket, bytes: Buffer, pieces: number): Promise<void> {
  const size = Math.max(1, Math.ceil(bytes.length / pieces))
  for (let at = 0; at < bytes.length; at += size) {
    if (!socket.writable) return
    const piece = bytes.subarray(at, at + size)
    if (pieces === 1) socket.write(piece)
    else {
      socket.write(piece)
      await turn()
    }
  }
}
