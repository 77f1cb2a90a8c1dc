import type { Socket } from 'node:net'

/**
 * Uploads in turns: in one of the event loop one of them goes on, by up to 64 KiB. As many new connections are accepted in
 * one, so that those wait no longer for uploads than for each other.
 */
export class UploadTurns {
  readonly #line: Upload[] = []

  /** Nothing is read of the upload before it is its turn again. */
  wait(upload: Upload): void {
    upload.hold()
    if (this.#line.push(upload) === 1) setImmediate(this.#next)
  }

  readonly #next = () => {
    this.#line.shift()?.goOn()
    if (this.#line.length > 0) setImmediate(this.#next)
  }
}

/** A body that comes in several pieces. */
export class Upload {
  readonly #socket: Socket
  #isHeld = false

  constructor(socket: Socket) {
    this.#socket = socket
    socket.on('resume', this.#stay)
  }

  hold(): void {
    this.#isHeld = true
    this.#socket.pause()
  }

  goOn(): void {
    if (!this.#isHeld) return
    this.#isHeld = false
    this.#socket.resume()
  }

  /** It waits no more. Of one that is refused nothing is read before its answer has left. */
  end(how: 'whole' | 'refused'): void {
    this.#socket.off('resume', this.#stay)
    if (how === 'whole') this.goOn()
    this.#isHeld = false
  }

  /** Node resumes the socket of a request whenever it would take more. */
  readonly #stay = () => {
    if (this.#isHeld) this.#socket.pause()
  }
}
