import type { IncomingMessage } from 'node:http'
import { BodyBuffer, BodyBufferList, LARGE_PIECE_BYTES, type NoBody } from './body-buffer.js'
import { Upload, UploadQueue } from './upload-queue.js'

/** The minimum rate of a body; ASP.NET Core's server has the same. */
export const MIN_BYTES_PER_SECOND = 240
const GRACE_MS = 5_000
const CHECK_INTERVAL_MS = 1_000

/** Unfinished bodies may hold this much at most, however much memory there is: anybody can send them. */
const MAX_UNFINISHED_BYTES = 67_108_864

/**
 * Reads the bodies of deliveries within a limit on the memory of all of them. At the limit the unfinished body that has
 * been idle for longest is refused. A complete body counts until it is released.
 */
export class Bodies {
  readonly #maxBytes: number
  readonly #maxUnfinished: number
  /** Bodies of which nothing has arrived yet. */
  readonly #begun = new BodyBufferList()
  readonly #unfinished = new BodyBufferList()
  readonly #uploads = new UploadQueue()
  #held = 0

  /** @param maxBytes of all bodies together @param largest of one; at most `maxBytes` */
  constructor(maxBytes: number, largest: number) {
    this.#maxBytes = maxBytes
    this.#maxUnfinished = Math.max(largest, Math.min(maxBytes / 4, MAX_UNFINISHED_BYTES))
    setInterval(() => this.#endSlow(performance.now()), CHECK_INTERVAL_MS).unref()
  }

  /** Resolves with the raw bytes, to be released later. Stops reading as soon as the body is refused. */
  read(request: IncomingMessage, limit: number): Promise<Buffer | NoBody> {
    const announced = Number(request.headers['content-length'])
    if (announced > limit) return Promise.resolve('too_large')
    return new Promise(resolve => {
      let upload: Upload | undefined
      const onData = (chunk: Buffer) => {
        const length = buffer.length + chunk.length
        if (length > limit) return buffer.end('too_large')
        buffer.add(chunk)
        if (length === announced) return
        if (chunk.length >= LARGE_PIECE_BYTES) {
          upload ??= new Upload(request.socket)
          this.#uploads.add(upload)
        }
        buffer.moveTo(this.#unfinished)
        this.#makeRoom()
      }
      const onEnd = () => {
        const { bytes } = buffer
        leave()
        upload?.end('complete')
        resolve(this.#hold(bytes.length) ? bytes : 'no_room')
      }
      const onGone = () => buffer.end('gone')
      const leave = () => {
        buffer.leave()
        request.off('data', onData).off('end', onEnd).off('close', onGone)
      }
      const buffer = new BodyBuffer(this.#begun, Number.isNaN(announced) ? limit : announced, why => {
        leave()
        upload?.end('refused')
        request.pause()
        resolve(why)
      })
      // An aborted request emits 'error' before 'close'.
      request.on('data', onData).on('end', onEnd).on('close', onGone).on('error', ignore)
    })
  }

  /** For a body that was read and is no longer needed. */
  release(body: Buffer): void {
    this.#held -= body.length
  }

  #hold(bytes: number): boolean {
    this.#held += bytes
    this.#makeRoom()
    if (this.#held <= this.#maxBytes) return true
    this.#held -= bytes
    return false
  }

  #makeRoom(): void {
    const unfinished = this.#unfinished
    while (unfinished.bytes > Math.min(this.#maxUnfinished, Math.max(0, this.#maxBytes - this.#held))) {
      unfinished.first!.end('no_room')
    }
  }

  #endSlow(now: number): void {
    for (const list of [this.#begun, this.#unfinished]) {
      for (const buffer of list) {
        const tookMs = now - buffer.since
        if (tookMs > GRACE_MS && buffer.length < (tookMs / 1000) * MIN_BYTES_PER_SECOND) buffer.end('too_slow')
      }
    }
  }
}

function ignore(): void {}
