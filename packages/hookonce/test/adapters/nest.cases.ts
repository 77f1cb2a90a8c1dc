import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Type } from '@nestjs/common'
import type { AbstractHttpAdapter } from '@nestjs/core'
import type { FastifyReply } from 'fastify'
import type { Source } from 'hookonce'
import { lastValueFrom, of, throwError } from 'rxjs'
import { describe } from 'vitest'
import { adapterCases } from './cases.js'
import type { Adapter, Before, Failure, Way } from './harness.js'
import { applicationOf, controllerOf, type Handler, listenerOf, type Nest, type Version } from './nest-application.js'
import { applicationCases } from './nest-application-cases.js'

/** Every case, on both platforms of a version of Nest. */
export function nestCases(version: Version, platforms: Record<'express' | 'fastify', () => AbstractHttpAdapter>): void {
  const express: Nest = { ...version, name: 'Express', platform: platforms.express, everyPath: '*path' }
  const fastify: Nest = { ...version, name: 'Fastify', platform: platforms.fastify, everyPath: '*' }

  describe('on Express, behind its body parser', () => {
    adapterCases({ ...nestAdapter(express), limits: ['whole requests'] })
    applicationCases(express)
  })

  describe('on Express, without a body parser', () => {
    adapterCases(nestAdapter({ ...express, options: { bodyParser: false } }))
  })

  describe('on Fastify', () => {
    adapterCases(nestAdapter(fastify))
    applicationCases(fastify)
  })
}

/** Answers as `@Res()` does it on both platforms. */
type Respond = { express(res: ServerResponse): unknown; fastify(reply: FastifyReply): unknown }

export function nestAdapter(nest: Nest): Adapter {
  const { common } = nest
  const serving = (source: Source, controller: Type) =>
    listenerOf(applicationOf(nest, { sources: { webhook: source } }, [controller]))

  const way = (
    name: string,
    answer: Handler,
    body: string,
    more: Partial<Way> = {},
    ...above: MethodDecorator[]
  ): Way => ({
    name,
    body,
    ...more,
    listener: (source, before) => {
      const handler: Handler = async (...args) => {
        await before()
        return answer(...args)
      }
      return serving(source, controllerOf(nest, handler, [...above, common.All(nest.everyPath)]))
    },
  })

  const responding = (name: string, { express, fastify }: Respond, body: string, more: Partial<Way> = {}): Way => ({
    name,
    body,
    ...more,
    listener: (source, before) => {
      const handler: Handler = async (_, response) => {
        await before()
        await ('raw' in (response as object) ? fastify(response as FastifyReply) : express(response as ServerResponse))
      }
      return serving(source, controllerOf(nest, handler, [common.All(nest.everyPath)], { responds: true }))
    },
  })

  const failure = (name: string, fail: Handler, ...above: MethodDecorator[]): Failure => ({
    name,
    listener: (source, before: Before) => {
      const handler: Handler = async (...args) => ((await before()) ? fail(...args) : 'recovered')
      return serving(source, controllerOf(nest, handler, [...above, common.All(nest.everyPath)]))
    },
  })

  const failing = new Error('internal')

  return {
    name: nest.name,
    listener: (source, handle) => {
      const handler: Handler = async (request, response, attempt) => {
        const { status = 200, headers = [], body, stream } = await handle({ body: request.rawBody, attempt })
        if ('raw' in (response as object)) {
          const reply = response as FastifyReply
          reply.code(status)
          for (const [name, value] of headers) {
            const before = name === 'set-cookie' ? undefined : reply.getHeader(name)
            reply.header(name, before === undefined ? value : [before, value].flat())
          }
          return reply.send(stream ? Readable.from(stream) : body)
        }
        const res = response as ServerResponse
        res.statusCode = status
        for (const [name, value] of headers) res.appendHeader(name, value)
        if (stream) await pipeline(stream, res)
        else res.end(body)
      }
      return serving(source, controllerOf(nest, handler, [common.All(nest.everyPath)], { responds: true }))
    },
    ways: [
      way('an object returned', () => ({ ok: true }), '{"ok":true}', {
        headers: { 'content-type': 'application/json; charset=utf-8' },
      }),
      way('a string returned', () => 'done', 'done'),
      way('nothing returned', () => {}, ''),
      way('an observable returned', () => of({ ok: true }), '{"ok":true}'),
      way('a file returned', () => new common.StreamableFile(Buffer.from('a file')), 'a file'),
      way('201 by @HttpCode', () => ({ ok: true }), '{"ok":true}', { status: 201 }, common.HttpCode(201)),
      way('204 by @HttpCode', () => {}, '', { status: 204 }, common.HttpCode(204)),
      way('with @Header', () => 'done', 'done', { headers: { 'x-one': '1' } }, common.Header('x-one', '1')),
      way(
        'mapped by an interceptor',
        () => 'done',
        '{"wrapped":"done"}',
        {},
        common.UseInterceptors({ intercept: async (_, next) => of({ wrapped: await lastValueFrom(next.handle()) }) }),
      ),
      way(
        'by an exception filter',
        () => {
          throw failing
        },
        'caught',
        { status: 202 },
        common.UseFilters({
          catch(_, host) {
            const response = host.switchToHttp().getResponse()
            response.status(202).send('caught')
          },
        }),
      ),
      responding(
        '@Res()',
        {
          express: res => res.writeHead(202, { 'x-one': '1' }).end('done'),
          fastify: reply => reply.code(202).header('x-one', '1').send('done'),
        },
        'done',
        { status: 202, headers: { 'x-one': '1' } },
      ),
      responding(
        '@Res(), later',
        {
          express: res => void setTimeout(() => res.end('late'), 5),
          fastify: reply => void setTimeout(() => reply.send('late'), 5),
        },
        'late',
      ),
    ],
    failures: [
      failure('thrown', () => {
        throw failing
      }),
      failure('rejected', async () => {
        throw failing
      }),
      failure('an HttpException', () => {
        throw new common.InternalServerErrorException('failed')
      }),
      failure('an observable that fails', async () => {
        return throwError(() => failing)
      }),
      failure(
        'an interceptor that fails',
        () => {
          throw failing
        },
        common.UseInterceptors({
          intercept: async (_, next) => of(await lastValueFrom(next.handle())),
        }),
      ),
    ],
  }
}
