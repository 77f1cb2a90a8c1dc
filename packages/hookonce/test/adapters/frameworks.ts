import 'reflect-metadata'
import type { RequestListener } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { bodyParser } from '@koa/bodyparser'
import * as common from '@nestjs/common'
import * as core from '@nestjs/core'
import { ExpressAdapter } from '@nestjs/platform-express'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import { Elysia } from 'elysia'
import express, { type Express } from 'express'
// @ts-expect-error the types are Express 5's; Express 4 is here to be run
import express4 from 'express4'
import fastify from 'fastify'
import { H3 } from 'h3'
import { createApp, eventHandler, toNodeListener, toWebRequest } from 'h3v1'
import { Hono } from 'hono'
import type { Source } from 'hookonce'
import { handleLambda } from 'hookonce/adapters/aws-lambda'
import { idempotent } from 'hookonce/adapters/express'
import { idempotent as plugin } from 'hookonce/adapters/fastify'
import { type FetchHandler, handleFetch } from 'hookonce/adapters/fetch'
import { idempotent as koaIdempotent } from 'hookonce/adapters/koa'
import * as hookonce from 'hookonce/adapters/nest'
import { handleNode } from 'hookonce/adapters/node'
import Koa, { type Middleware } from 'koa'
import { listenerOf } from './fastify.cases.js'
import { bridge } from './fetch-bridge.js'
import { EVENTS, gateway } from './lambda-events.js'
import { applicationOf, controllerOf, listenerOf as nestListenerOf } from './nest-application.js'

/** An application whose handler answers what `answer` makes of a body that the framework's own parser has parsed. */
export type Framework = (source: Source, answer: (event: unknown) => object) => RequestListener

const expressOf =
  (make: () => Express, parse: () => express.RequestHandler): Framework =>
  (source, answer) =>
    make()
      .set('env', 'development')
      .post('/webhook', idempotent(source), parse(), (req, res) => void res.json(answer(req.body)))

const nestOf =
  (name: string, platform: () => core.AbstractHttpAdapter): Framework =>
  (source, answer) => {
    const nest = { common, core, hookonce, name, platform, everyPath: '' }
    const controller = controllerOf(nest, ({ body }) => answer(body), [common.Post('webhook')])
    return nestListenerOf(applicationOf(nest, { sources: { webhook: source } }, [controller]))
  }

const answerOf =
  (answer: (event: unknown) => object): FetchHandler =>
  delivery =>
    Response.json(answer(delivery.json()))

/** By the name in `docs/reference/frameworks.md`. */
export const FRAMEWORKS: Record<string, Framework> = {
  'node:http': (source, answer) => handleNode(source, (req, res) => res.end(JSON.stringify(answer(req.body)))),
  'Express 5': expressOf(express, express.json),
  'Express 4': expressOf(express4, express4.json),
  'Fastify 5': (source, answer) => {
    const app = fastify()
    app.register(plugin, { source })
    app.post('/webhook', async request => answer(request.body))
    return listenerOf(app)
  },
  'NestJS 12 on Express': nestOf('Express', () => new ExpressAdapter()),
  'NestJS 12 on Fastify': nestOf('Fastify', () => new FastifyAdapter()),
  'Koa 3': (source, answer) => {
    const app = new Koa()
    app.use(koaIdempotent(source)).use(bodyParser() as Middleware)
    app.use(ctx => {
      ctx.body = answer((ctx.request as unknown as { body: unknown }).body)
    })
    return app.callback()
  },
  'Hono 4': (source, answer) => {
    const app = new Hono()
    app.post('/webhook', c => handleFetch(source, c.req.raw, answerOf(answer)))
    return getRequestListener(app.fetch)
  },
  'h3 2': (source, answer) => {
    const app = new H3()
    app.post('/webhook', event => handleFetch(source, event.req, answerOf(answer)))
    return bridge(async request => app.fetch(request))
  },
  'h3 1 (Nitro 2)': (source, answer) => {
    const app = createApp()
    app.use(
      '/webhook',
      eventHandler(event => handleFetch(source, toWebRequest(event), answerOf(answer))),
    )
    return toNodeListener(app)
  },
  'Elysia 1': (source, answer) => {
    const app = new Elysia()
    app.post('/webhook', ({ request }) => handleFetch(source, request, answerOf(answer)), { parse: 'none' })
    return bridge(async request => app.handle(request))
  },
  ...Object.fromEntries(
    Object.entries(EVENTS).map(([name, { make }]): [string, Framework] => [
      `AWS Lambda behind ${name}`,
      (source, answer) => gateway(make, handleLambda(source, answerOf(answer))),
    ]),
  ),
}
