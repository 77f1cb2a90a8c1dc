import { createHmac } from 'node:crypto'
import type { CanActivate } from '@nestjs/common'
import { createInbox } from 'hookonce'
import { hmac } from 'hookonce/senders/hmac'
import { memoryStore } from 'hookonce/stores/memory'
import { expect, test } from 'vitest'
import { type Delivering, deliver, isReplay, listen, receiverOver } from './harness.js'
import { applicationOf, controllerOf, listenerOf, type Nest } from './nest-application.js'

const SECRET = 'whsec_of_a_test_that_is_long_enough'

/** What an application of Nest keeps around its webhooks. */
export function applicationCases(nest: Nest): void {
  const { common, core, hookonce } = nest
  const post = common.Post('webhook')

  test('a webhook without a name is a source by its method and its whole pattern', async () => {
    const { receiver } = receiverOver()
    const controller = controllerOf(nest, () => 'ran', [common.Post('webhooks/:id')], { source: undefined })
    const starting = applicationOf(nest, { receiver }, [controller], app => {
      app.setGlobalPrefix('api')
      app.enableVersioning({ type: common.VersioningType.URI, defaultVersion: '1' })
    })
    const { port } = await listen(listenerOf(starting))
    for (const path of ['/api/v1/webhooks/1', '/api/v1/webhooks/2']) {
      expect((await deliver(port, { key: 'k', path })).status).toBe(201)
    }
    expect((await receiver.record('POST /api/v1/webhooks/:id', 'k'))?.state).toBe('completed')
  })

  test('a webhook of all methods without a name is an error, not a source for each method', async () => {
    const { receiver } = receiverOver()
    const controller = controllerOf(nest, () => 'ran', [common.All('webhook')], { source: undefined })
    const { port } = await listen(listenerOf(applicationOf(nest, { receiver }, [controller])))
    expect((await deliver(port, { key: 'k' })).status).toBe(500)
  })

  test.each([
    ['is not there', 'stripe', { sources: {} }, /@Webhook\('stripe'\): HookonceModule has no such source/],
    ['is mistyped', 'strpe', 'stripe', /did you mean stripe/],
    ['is left out, without a receiver', undefined, {}, /needs HookonceModule's receiver/],
  ])('an application whose source %s does not start', async (_, source, given, message) => {
    const options = typeof given === 'string' ? { sources: { [given]: receiverOver().source } } : given
    const controller = controllerOf(nest, () => 'ran', [post], { source })
    await expect(applicationOf(nest, options, [controller])).rejects.toThrow(message)
  })

  test("a delivery's signature is verified over the bytes, behind Nest's own parser", async () => {
    const { receiver } = receiverOver()
    const source = receiver.source({ name: 'orders', sender: hmac({ secrets: [SECRET], header: 'x-signature' }) })
    const controller = controllerOf(nest, ({ body }) => ({ got: body }), [post])
    const { port } = await listen(listenerOf(applicationOf(nest, { sources: { webhook: source } }, [controller])))
    const body = '{ "a":  1 }'
    const signed = (secret: string): Delivering => ({
      body,
      headers: [['x-signature', createHmac('sha256', secret).update(body).digest('hex')]],
    })
    const first = await deliver(port, signed(SECRET))
    expect([first.status, first.body.toString()]).toEqual([201, '{"got":{"a":1}}'])
    expect(isReplay(await deliver(port, signed(SECRET)))).toBe(true)
    expect((await deliver(port, signed('another'))).status).toBe(401)
  })

  test('bodies of every type arrive; the types that other routes refuse stay refused', async () => {
    class Other {
      receive() {
        return 'other'
      }
    }
    const descriptor = Object.getOwnPropertyDescriptor(Other.prototype, 'receive')!
    common.Post('other')(Other.prototype, 'receive', descriptor)
    common.Controller()(Other)
    const controller = controllerOf(nest, ({ rawBody, body }) => ({ raw: String(rawBody), body: String(body) }), [post])
    const starting = applicationOf(nest, { sources: { webhook: receiverOver().source } }, [controller, Other])
    const { port } = await listen(listenerOf(starting))
    const xml: [string, string][] = [['content-type', 'application/xml']]
    expect((await deliver(port, { headers: xml, body: '<a/>' })).body.toString()).toBe('{"raw":"<a/>","body":"<a/>"}')
    const other = await deliver(port, { path: '/other', headers: xml, body: '<a/>' })
    expect(other.status).toBe(nest.name === 'Fastify' ? 415 : 201)
  })

  test('guards of the application run for every delivery, interceptors only when the method does', async () => {
    const seen: string[] = []
    const guard: CanActivate = { canActivate: () => seen.push('guard') > 0 }
    const controller = controllerOf(nest, () => 'ran', [post])
    const starting = applicationOf(nest, { sources: { webhook: receiverOver().source } }, [controller], app => {
      app.useGlobalGuards(guard)
      app.useGlobalInterceptors({
        intercept: (_, next) => {
          seen.push('interceptor')
          return next.handle()
        },
      })
    })
    const { port } = await listen(listenerOf(starting))
    for (let i = 0; i < 2; i++) await deliver(port, { key: 'k' })
    expect(seen).toEqual(['guard', 'interceptor', 'guard'])
  })

  test('an HttpException is answered as ever, and is not recorded', async () => {
    const { source, events } = receiverOver()
    let runs = 0
    const handler = () => {
      if (++runs === 1) throw new common.ConflictException('not yet')
      return 'ran'
    }
    const { port } = await listen(
      listenerOf(applicationOf(nest, { sources: { webhook: source } }, [controllerOf(nest, handler, [post])])),
    )
    const first = await deliver(port, { key: 'k' })
    expect([first.status, JSON.parse(first.body.toString())]).toEqual([
      409,
      { statusCode: 409, message: 'not yet', error: 'Conflict' },
    ])
    expect((await deliver(port, { key: 'k' })).body.toString()).toBe('ran')
    expect(events.map(({ type }) => type)).not.toContain('handler_threw')
  })

  test("an error that the method throws is in Nest's log and an event", async () => {
    const written: unknown[] = []
    const silent = () => {}
    const logger = { log: silent, warn: silent, error: (...words: unknown[]) => void written.push(...words) }
    const { source, events } = receiverOver()
    const controller = controllerOf(nest, () => {
      throw new Error('the card was declined')
    }, [post])
    const starting = applicationOf(nest, { sources: { webhook: source } }, [controller], app => app.useLogger(logger))
    const { port } = await listen(listenerOf(starting))
    const answer = await deliver(port, { key: 'k' })
    expect([answer.status, answer.body.toString()]).toEqual([500, expect.not.stringContaining('declined')])
    expect(written.map(String).join(' ')).toContain('the card was declined')
    expect(events).toMatchObject([{ type: 'handler_threw', key: 'k', attempt: 1 }, { type: 'attempt_given_back' }])
  })

  test("an inbox's source acknowledges, and the method does not run", async () => {
    const inbox = createInbox({ receiver: receiverOver().receiver, handlers: { orders: async () => {} } })
    const source = inbox.source('orders')
    let runs = 0
    const controller = controllerOf(nest, () => void runs++, [post])
    const { port } = await listen(listenerOf(applicationOf(nest, { sources: { webhook: source } }, [controller])))
    expect([(await deliver(port, { key: 'k' })).status, runs]).toEqual([202, 0])
  })

  test('the receiver is closed with the application', async () => {
    let closed = false
    const close = async () => {
      closed = true
    }
    const store = Object.assign(memoryStore(), { close })
    const { receiver } = receiverOver({ store })
    const app = await applicationOf(nest, { receiver }, [
      controllerOf(nest, () => 'ran', [post], { source: undefined }),
    ])
    await app.close()
    expect(closed).toBe(true)
  })

  test('options may come from a factory', async () => {
    class App {}
    const { source } = receiverOver()
    const module = {
      module: App,
      imports: [
        hookonce.HookonceModule.forRootAsync({
          imports: [
            { module: class Secrets {}, providers: [{ provide: 'WORD', useValue: 'webhook' }], exports: ['WORD'] },
          ],
          inject: ['WORD'],
          useFactory: async (name: string) => ({ sources: { [name]: source } }),
        }),
      ],
      controllers: [controllerOf(nest, () => 'ran', [post])],
    }
    const app = await core.NestFactory.create(module, nest.platform(), { logger: false, abortOnError: false })
    const { port } = await listen(listenerOf(app.init()))
    for (const replayed of [false, true]) expect(isReplay(await deliver(port, { key: 'k' }))).toBe(replayed)
  })
}
