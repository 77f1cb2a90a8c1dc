import 'reflect-metadata'
import type { RequestListener } from 'node:http'
import * as common from '@nestjs/common'
import * as core from '@nestjs/core'
import { ExpressAdapter } from '@nestjs/platform-express'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import { createReceiver, type Source, type Transactions } from 'hookonce'
import { handleLambda } from 'hookonce/adapters/aws-lambda'
import { attemptOf, idempotent } from 'hookonce/adapters/koa'
import * as hookonce from 'hookonce/adapters/nest'
import { memoryStore } from 'hookonce/stores/memory'
import Koa from 'koa'
import { describe, expect, test } from 'vitest'
import { type Ledger, transactional } from '../support/transactional.js'
import { deliver, isReplay, listen } from './harness.js'
import { EVENTS, gateway } from './lambda-events.js'
import { applicationOf, controllerOf, listenerOf } from './nest-application.js'

type Transactional = Source<Transactions<Ledger, 'async'>>

/** On Express and on Fastify a response has both. */
interface Response {
  status(code: number): { send(body: string): unknown }
}

const nestOf =
  (platform: () => core.AbstractHttpAdapter) =>
  (source: Transactional, status: number): RequestListener => {
    const nest = { common, core, hookonce, name: '', platform, everyPath: '' }
    const pay = async (request: { rawBody: Buffer }, response: unknown) => {
      const attempt = hookonce.attemptOf(request, source)
      await attempt.commit(async tx => {
        tx.write(request.rawBody.toString())
        ;(response as Response).status(status).send(`{"attempt":${attempt.number}}`)
      })
    }
    const controller = controllerOf(nest, pay, [common.Post('webhook')], { responds: true })
    return listenerOf(applicationOf(nest, { sources: { webhook: source } }, [controller]))
  }

const frameworks: Record<string, (source: Transactional, status: number) => RequestListener> = {
  Koa: (source, status) => {
    const app = new Koa()
    app.use(idempotent(source)).use(async ctx => {
      ctx.respond = false
      const attempt = attemptOf(ctx, source)
      await attempt.commit(async tx => {
        tx.write((ctx.request as unknown as { rawBody: Buffer }).rawBody.toString())
        ctx.res.writeHead(status).end(`{"attempt":${attempt.number}}`)
      })
    })
    return app.callback()
  },
  'NestJS on Express': nestOf(() => new ExpressAdapter()),
  'NestJS on Fastify': nestOf(() => new FastifyAdapter()),
  'AWS Lambda': (source, status) =>
    gateway(
      EVENTS['a load balancer']!.make,
      handleLambda(source, (delivery, attempt) =>
        attempt.commit(async tx => {
          tx.write(delivery.text())
          return Response.json({ attempt: attempt.number }, { status })
        }),
      ),
    ),
}

describe.each(Object.entries(frameworks))('a commit through %s', (_, answers) => {
  const setUp = async (status: number) => {
    const { store, ledger } = transactional(memoryStore(), 'async')
    const source = createReceiver({ store }).source({ name: 'orders' })
    return { ledger, ...(await listen(answers(source, status))) }
  }

  test('records the response together with the effects, once', async () => {
    const { port, ledger } = await setUp(201)
    for (const replayed of [false, true]) {
      const answer = await deliver(port, { key: 'k', body: '{"a":1}' })
      expect([answer.status, answer.body.toString(), isReplay(answer)]).toEqual([201, '{"attempt":1}', replayed])
    }
    expect(ledger).toEqual(['{"a":1}'])
  })

  test('rolls back a response that is not to be recorded, and sends it', async () => {
    const { port, ledger } = await setUp(409)
    expect((await deliver(port, { key: 'k' })).status).toBe(409)
    expect(ledger).toEqual([])
  })
})
