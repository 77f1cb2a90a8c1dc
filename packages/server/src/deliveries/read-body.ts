import type { IncomingMessage } from 'node:http'
import { LARGE_PIECE_BYTES, type NoBody, Reading, Readings } from './body-buffer.js'
import { Upload, UploadTurns } from './upload-queue.js'

/** Slower ones hold what others need; ASP.NET Core's server has the same bound. */
export const LEAST_BYTES_PER_SECOND = 240
const GRACE_MS = 5_000
const LOOK_EVERY_MS = 1_000

/** So much may be held of unfinished bodies, which anybody can send, whatever the memory. */
const MOST_UNFINISHED_BYTES = 67_108_864

/**
 * Reads the bodies of deliveries, and bounds what all of them hold together. For want of room that unfinished one ends
 * which has not moved for longest; one that came whole is held until it is released.
 */
export class Bodies {
  readonly #mostBytes: number
  readonly #mostUnfinished: number
  /** Of which nothing came yet, or all at once. */
  readonly #begun = new Readings()
  readonly #unfinished = new Readings()
  readonly #turns = new UploadTurns()
  #held = 0

  /** @param mostBytes of all bodies together @param largest of one; not more than `mostBytes` */
  constructor(mostBytes: number, largest: number) {
    this.#mostBytes = mostBytes
    this.#mostUnfinished = Math.max(largest, Math.min(mostBytes / 4, MOST_UNFINISHED_BYTES))
    setInterval(() => this.#endSlow(performance.now()), LOOK_EVERY_MS).unref()
  }

  /** The raw bytes, to be released. Nothing more is read of a body once it is known that it will not do. */
  read(request: IncomingMessage, limit: number): Promise<Buffer | NoBody> {
    const announced = Number(request.headers['content-length'])
    if (announced > limit) return Promise.resolve('too_large')
    return new Promise(resolve => {
      let upload: Upload | undefined
      const onData = (chunk: Buffer) => {
        const length = reading.length + chunk.length
        if (length > limit) return reading.end('too_large')
        reading.add(chunk)
        if (length === announced) return
        if (chunk.length >= LARGE_PIECE_BYTES) {
          upload ??= new Upload(request.socket)
          this.#turns.wait(upload)
        }
        reading.moveTo(this.#unfinished)
        this.#makeRoom()
      }
      const onEnd = () => {
        const { bytes } = reading
        leave()
        upload?.end('whole')
        resolve(this.#hold(bytes.length) ? bytes : 'no_room')
      }
      const onGone = () => reading.end('gone')
      const leave = () => {
        reading.leave()
        request.off('data', onData).off('end', onEnd).off('close', onGone)
      }
      const reading = new Reading(this.#begun, Number.isNaN(announced) ? limit : announced, why => {
        leave()
        upload?.end('refused')
        request.pause()
        resolve(why)
      })
      // A request that breaks off emits an error too; 'close' follows it.
      request.on('data', onData).on('end', onEnd).on('close', onGone).on('error', ignore)
    })
  }

  /** Of a body that was read: nobody needs it any more. */
  release(body: Buffer): void {
    this.#held -= body.length
  }

  #hold(bytes: number): boolean {
    this.#held += bytes
    this.#makeRoom()
    if (this.#held <= this.#mostBytes) return true
    this.#held -= bytes
    return false
  }

  #makeRoom(): void {
    const unfinished = this.#unfinished
    while (unfinished.bytes > Math.min(this.#mostUnfinished, Math.max(0, this.#mostBytes - this.#held))) {
      unfinished.first!.end('no_room')
    }
  }

  #endSlow(now: number): void {
    for (const readings of [this.#begun, this.#unfinished]) {
      for (const reading of readings) {
        const tookMs = now - reading.since
        if (tookMs > GRACE_MS && reading.length < (tookMs / 1000) * LEAST_BYTES_PER_SECOND) reading.end('too_slow')
      }
    }
  }
}

function ignore(): void {}
