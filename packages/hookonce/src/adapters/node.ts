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
 * An ordinary `node:http` handler, except that the request's body was read for it. It answers in whatever way it likes
 * and whenever it likes; what it throws or rejects with before it answered counts as a failed attempt. Effects that are
 * committed (`attempt.commit`, where the receiver's store has transactions) end the response inside the commit.
 */
export type NodeHandler<Kind = never> = (
  req: IncomingMessage & ReceivedBody,
  res: ServerResponse,
  attempt: AttemptWith<Kind, unknown>,
) => unknown

/**
 * Processes each request once for its idempotency key. Nothing of the handler's answer is sent before it is recorded;
 * 1xx responses, trailers and a status message of its own are dropped.
 *
 * If the sender disconnects the handler is not told before it is done: its answer is recorded for the retry.
 *
 * A body that its content type calls JSON and that is none is answered 400, without a run. The request can be read once
 * more, for parsers of forms. Whoever reads it before must leave the bytes as a Buffer in `req.rawBody` (or `req.body`);
 * else every delivery is answered 500, with an event that says so.
 *
 * What the handler throws after it answered is an event (`handler_threw`) and changes nothing.
 *
 * @example
 * createServer(handleNode(receiver.source({ name: 'orders' }), async (req, res, attempt) => {
 *   await ship(req.body, { idempotencyKey: attempt.keyFor('ship') })
 *   res.writeHead(200, { 'content-type': 'application/json' }).end('{"ok":true}')
 * }))
 *
 * @throws {ConfigurationError} `source` is none
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
