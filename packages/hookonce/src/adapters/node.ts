import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Attempt, AttemptWith } from '../engine/attempt.js'
import { problem } from '../http/problem.js'
import type { Source } from '../receiver/source.js'
import { checkSource } from './given.js'
import { type Run, serve } from './node/handle-request.js'
import { parsedBody, type ReceivedBody, readBefore } from './node/read-body.js'
import { sendAnswer } from './node/send-answer.js'

export type { ReceivedBody } from './node/read-body.js'

/**
 * An ordinary `node:http` handler whose request's body is already read. It may answer at any time, by any method of the
 * response. An error that it throws or rejects with before it has answered fails the attempt. The effects of
 * `attempt.commit` (where the receiver's store has transactions) end the response inside the commit.
 */
export type NodeHandler<Kind = never> = (
  req: IncomingMessage & ReceivedBody,
  res: ServerResponse,
  attempt: AttemptWith<Kind, unknown>,
) => unknown

/**
 * Processes each request once per idempotency key. No byte of the handler's answer is sent before the answer is
 * recorded. 1xx responses, trailers and status messages are dropped.
 *
 * If the sender disconnects, the handler runs to its end without seeing it: its answer is recorded for the retry.
 *
 * A body with a JSON content type that is not valid JSON is answered 400, and the handler does not run. The request can
 * be read again, for form parsers. Middleware that reads it earlier must keep the bytes as a Buffer in `req.rawBody`
 * (or `req.body`). Otherwise every delivery is answered 500 and reported as `receiver_failed`.
 *
 * An error that the handler throws after it has answered is reported as `handler_threw` and changes nothing.
 *
 * @example
 * createServer(handleNode(receiver.source({ name: 'orders' }), async (req, res, attempt) => {
 *   await ship(req.body, { idempotencyKey: attempt.keyFor('ship') })
 *   res.writeHead(200, { 'content-type': 'application/json' }).end('{"ok":true}')
 * }))
 *
 * @throws {ConfigurationError} `source` is not a source
 */
export function handleNode<Kind>(
  source: Source<Kind>,
  handler: NodeHandler<Kind>,
): (req: IncomingMessage, res: ServerResponse) => void {
  checkSource(name => `handleNode(${name}, handler)`, source)
  return (req, res) => {
    let read: Buffer | undefined
    try {
      read = readBefore(req, 'handleNode')
    } catch (error) {
      void sendAnswer(res, source.failed(error))
      return
    }
    const run: Run<Kind> = (rawBody, attempt, capture) => {
      let body: unknown
      try {
        body = parsedBody(req, rawBody)
      } catch {
        const { status, headers, body: detail } = problem('body_invalid', { detail: 'The body is not valid JSON.' })
        res.writeHead(status, headers.flat()).end(detail)
        return
      }
      const received = Object.assign(req, { rawBody, body })
      void (async () => handler(received, res, attempt))().catch(
        error => capture.fail(error) || source.failed(error, attempt as Attempt),
      )
    }
    serve(source, req, res, run, read)
  }
}
