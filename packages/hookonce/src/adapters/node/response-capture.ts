import type { IncomingMessage, ServerResponse } from 'node:http'
import type { HandlerResponse } from '../../http/response.js'
import { CapturedResponse } from './captured-response.js'
import { DeferredClose } from './deferred-close.js'
import { MethodOverlay } from './method-overlay.js'
import { drain } from './rewind.js'

/**
 * Takes over a `ServerResponse` while its handler answers, so that nothing is sent before the answer is recorded. To
 * the handler the response looks as it always does.
 *
 * What was done to the response before (headers of earlier middleware, wrapped methods, listeners) stays outside of the
 * capture: it is not recorded, and it sees what is really sent.
 */
export class ResponseCapture {
  readonly #req: IncomingMessage
  readonly #destroyRequest: IncomingMessage['destroy']
  readonly #captured: CapturedResponse
  readonly #overlay: MethodOverlay
  readonly #deferredClose: DeferredClose

  constructor(req: IncomingMessage, res: ServerResponse, maxResponseBytes: number) {
    const captured = new CapturedResponse(res, maxResponseBytes)
    this.#captured = captured
    this.#overlay = new MethodOverlay(res, captured)
    this.#deferredClose = new DeferredClose(res, this.#overlay, captured)
    this.#req = req
    this.#destroyRequest = req.destroy
    Object.assign(req, { [CAPTURED]: captured, destroy: destroyCaptured })
  }

  /** Rejects when the handler fails or destroys the response. */
  get response(): Promise<HandlerResponse> {
    return this.#captured.response
  }

  /** What `response` resolved with: the response has ended, or is too large to record. */
  get answer(): HandlerResponse | undefined {
    return this.#captured.answer
  }

  /** The sender disconnected before it was answered. */
  get gone(): boolean {
    return this.#deferredClose.gone
  }

  /** Fails the attempt. Returns false if the response has ended before. */
  fail(error: unknown): boolean {
    return this.#captured.fail(error)
  }

  /**
   * The answer is known and about to be sent through {@link outside}. The response is restored: at once if the handler
   * has ended it, by a call of {@link restore} if its overflow is sent (`streams`), else when the handler ends it at
   * last.
   */
  release(streams: boolean): void {
    this.#deferredClose.returnSocket()
    if (streams) this.#deferredClose.stop()
    else if (this.#captured.writableEnded) this.restore()
    else this.#captured.once('close', () => this.restore())
  }

  /** Runs something on the response itself, past the capture. */
  outside<T>(run: () => T): T {
    return this.#overlay.bypass(run)
  }

  restore(): void {
    this.#overlay.remove()
    this.#req.destroy = this.#destroyRequest
    this.#deferredClose.stop()
    drain(this.#req)
  }
}

const CAPTURED = Symbol('hookonce')

/** A request's `destroy`. Not a closure for each request: with those V8 promotes every request to its old space. */
function destroyCaptured(this: IncomingMessage & { [CAPTURED]: CapturedResponse }, error?: NodeJS.ErrnoException) {
  // Node destroys the request of a sender that disconnects with this error. Its body is read all the same.
  if (error?.code !== 'ECONNRESET') this[CAPTURED].destroy(error)
  return this
}
