import type { Socket } from 'node:net'

/**
 * Large bodies, read one chunk (64 KiB at most) per iteration of the event loop. Node accepts new connections at the same
 * pace, so uploads do not delay them.
 */
export class UploadQueue {
  readonly #waiting: Upload[] = []

  /** Pauses the upload until it is its turn. */
  add(upload: Upload): void {
    upload.pause()
    if (this.#waiting.push(upload) === 1) setImmediate(this.#next)
  }

  readonly #next = () => {
    this.#waiting.shift()?.resume()
    if (this.#waiting.length > 0) setImmediate(this.#next)
  }
}

/** A body that arrives in several chunks. */
export class Upload {
  readonly #socket: Socket
  #isPaused = false

  constructor(socket: Socket) {
    this.#socket = socket
    socket.on('resume', this.#pauseAgain)
  }

  pause(): void {
    this.#isPaused = true
    this.#socket.pause()
  }

  resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#socket.resume()
  }

  /** Leaves the queue. A refused body stays paused: nothing more is read before its answer is sent. */
  end(how: 'complete' | 'refused'): void {
    this.#socket.off('resume', this.#pauseAgain)
    if (how === 'complete') this.resume()
    this.#isPaused = false
  }

  /** Node resumes the socket of a request whenever its buffer has space. */
  readonly #pauseAgain = () => {
    if (this.#isPaused) this.#socket.pause()
  }
}
