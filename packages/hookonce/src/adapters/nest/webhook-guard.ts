import type { IncomingMessage, ServerResponse } from 'node:http'
import { type CanActivate, type ExecutionContext, Inject } from '@nestjs/common'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ExpressRequest } from '../express.js'
import { receiveExpress } from './express.js'
import { receiveFastify } from './fastify.js'
import { markOf, Webhooks } from './webhooks.js'

/**
 * Lets a delivery's handler run, or answers the delivery itself: then it never resolves, and Nest's pipeline ends here.
 * A guard, because guards come after filters of hosts and versions and before interceptors and pipes.
 */
export class WebhookGuard implements CanActivate {
  readonly #webhooks: Webhooks

  constructor(webhooks: Webhooks) {
    this.#webhooks = webhooks
  }

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const mark = markOf(context.getHandler())!
    const http = context.switchToHttp()
    const request: ExpressRequest | FastifyRequest = http.getRequest()
    return 'raw' in request
      ? receiveFastify(this.#webhooks, mark, request as FastifyRequest, http.getResponse<FastifyReply>())
      : receiveExpress(this.#webhooks, mark, request, http.getResponse<ServerResponse>())
  }
}

Inject(Webhooks)(WebhookGuard, undefined, 0)

/** The request of `node:http`. */
export const rawRequest = (request: IncomingMessage | FastifyRequest): IncomingMessage =>
  'raw' in request ? request.raw : request
