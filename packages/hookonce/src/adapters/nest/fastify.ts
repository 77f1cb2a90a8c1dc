import type { Readable } from 'node:stream'
import { UnsupportedMediaTypeException } from '@nestjs/common'
import type { FastifyInstance, FastifyReply, FastifyRequest, preParsingHookHandler } from 'fastify'
import { ConfigurationError } from '../../errors.js'
import type { Source } from '../../receiver/source.js'
import { answerDelivery } from '../fastify/answer-delivery.js'
import { addParser } from '../fastify/content-type-parser.js'
import { readDelivery, sizeOf } from '../fastify/read-delivery.js'
import { readBefore } from '../node/read-body.js'
import { rewind } from '../node/rewind.js'
import { markOf, WEBHOOK, type WebhookMark, type Webhooks } from './webhooks.js'

/** Reads the webhooks' bodies before Fastify parses them. */
export function readWebhooks(instance: FastifyInstance, webhooks: Webhooks): void {
  if ('http2' in instance.initialConfig && instance.initialConfig.http2) {
    throw new ConfigurationError('HookonceModule: HTTP/2 is not supported')
  }
  const onPreParsing: preParsingHookHandler = (request, reply, payload, done) => {
    let source: Source | undefined
    let read: Buffer | undefined
    try {
      const mark = markOfRoute(request)
      if (mark === undefined) return done(null, payload)
      source = webhooks.sourceOf(mark, request.routeOptions.url)
      read = readBefore(request.raw, '@Webhook()', payload as Readable)
    } catch (error) {
      source?.failed(error)
      return done(error as Error)
    }
    readDelivery(source, request, reply, payload, read, done).then(body => {
      if (body === undefined) return
      request.rawBody = body
      rewind(request.raw, body)
      done(null, Object.assign(request.raw, sizeOf(payload)))
    }, done)
  }
  // Nest drops the configuration of some routes (`@All()` in Nest 11), and the metadata of the handlers of others.
  instance.addHook('onRoute', route => {
    const mark = markOf(route.handler)
    if (mark !== undefined) Object.assign(route, { config: { ...route.config, [WEBHOOK]: mark } })
  })
  instance.addHook('preParsing', onPreParsing)
}

const markOfRoute = ({ routeOptions }: FastifyRequest): WebhookMark | undefined =>
  (routeOptions.config as { [WEBHOOK]?: WebhookMark })[WEBHOOK]

/** Webhooks may have any type; what the application's other routes refuse stays refused. */
export function parseWebhooks(instance: FastifyInstance): void {
  if (instance.hasContentTypeParser('*')) return
  addParser(instance, request => (markOfRoute(request) ? undefined : new UnsupportedMediaTypeException()))
}

/** Processes a webhook. Resolves when its handler is to run; otherwise the answer is sent. */
export function receiveFastify(
  webhooks: Webhooks,
  mark: WebhookMark,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<true> {
  if (markOfRoute(request) === undefined) {
    throw new ConfigurationError(
      '@Webhook() is lost at this route: put @RouteConfig() below it, and name a method, not @All()',
    )
  }
  const source = webhooks.sourceOf(mark, request.routeOptions.url)
  return new Promise((resolve, reject) => {
    answerDelivery(source, webhooks.given(mark), request, reply, request.rawBody, () => resolve(true)).catch(error => {
      source.failed(error)
      reject(error)
    })
  })
}
