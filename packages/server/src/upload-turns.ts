import type { Socket } from 'node:net'

/** How many uploads go on in one turn of the event loop: each reads up to 64 KiB then. */
const AT_ONCE = 4

/** Uploads in turns: however many are under way, what else there is to do waits for a few of them only. */
export class UploadTurns {
  readonly #line: Upload[] = []

  /** Nothing is read of the upload before it is its turn again. */
  wait(upload: Upload): void {
    upload.hold()
    if (this.#line.push(upload) === 1) setImmediate(this.#next)
  }

  readonly #next = () => {
    for (const upload of this.#line.splice(0, AT_ONCE)) upload.goOn()
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
