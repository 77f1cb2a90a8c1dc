import { Delivery } from '../http/delivery.js'
import type { Source } from '../receiver/source.js'
import { deliveryOf, type LambdaEvent } from './aws-lambda/event.js'
import { type LambdaResult, resultOf } from './aws-lambda/result.js'
import { type FetchHandler, fetchHandler } from './fetch.js'
import { checkSource } from './given.js'

export type { LambdaEvent } from './aws-lambda/event.js'
export type { LambdaResult } from './aws-lambda/result.js'

/**
 * Processes each invocation of an AWS Lambda function once per idempotency key. The event may come from API Gateway
 * (REST API or HTTP API, payload format 1.0 or 2.0), a function URL, or an Application Load Balancer with or without
 * multi-value headers; the result has the same form. Bodies that are not UTF-8 text are base64, both ways.
 *
 * The handler is as for `handleFetch`. An error that it throws fails the attempt and is answered 500. A response of more
 * than 6 MB, which Lambda refuses, is answered 500 too. An event of another service (a queue, a schedule) rejects with a
 * `TypeError`: the invocation fails, and nothing is taken for done.
 *
 * @throws {ConfigurationError} `source` is not a source
 *
 * @example
 * const orders = receiver.source({ name: 'orders' })
 * export const handler = handleLambda(orders, async (delivery, attempt) => {
 *   await ship(delivery.json(), { idempotencyKey: attempt.keyFor('ship') })
 *   return Response.json({ ok: true })
 * })
 */
export function handleLambda<Kind>(
  source: Source<Kind>,
  handler: FetchHandler<Kind>,
): (event: LambdaEvent) => Promise<LambdaResult> {
  checkSource(name => `handleLambda(${name}, handler)`, source)
  const handle = fetchHandler(handler, source.maxResponseBytes)
  return async event => {
    const init = deliveryOf(event)
    try {
      if (init.body.byteLength > source.maxBodyBytes) return await resultOf(source.tooLarge(), event)
      return await resultOf(await source.receive(new Delivery(init), handle), event)
    } catch (error) {
      return resultOf(source.failed(error), event)
    }
  }
}
