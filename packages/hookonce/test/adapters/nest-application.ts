import type { IncomingMessage, RequestListener } from 'node:http'
import type { INestApplication, NestApplicationOptions, Type } from '@nestjs/common'
import type { AbstractHttpAdapter } from '@nestjs/core'
import type { FastifyRequest } from 'fastify'
import type { Attempt } from 'hookonce'
import type { HookonceModuleOptions } from 'hookonce/adapters/nest'

export interface Version {
  common: typeof import('@nestjs/common')
  core: typeof import('@nestjs/core')
  hookonce: typeof import('hookonce/adapters/nest')
}

/** One version of Nest, on one platform. */
export interface Nest extends Version {
  name: string
  platform: () => AbstractHttpAdapter
  /** Every path, in the platform's words. */
  everyPath: string
  options?: NestApplicationOptions
}

export type Request = (IncomingMessage & { rawBody: Buffer; body: unknown }) | FastifyRequest
export type Handler = (request: Request, response: unknown, attempt: Attempt) => unknown

/** A controller with one method. `decorate` has the decorators that stand above `@Webhook()`. */
export function controllerOf(
  { common, hookonce }: Nest,
  handler: Handler,
  decorate: MethodDecorator[],
  given: { responds?: boolean; source?: string | undefined } = {},
): Type {
  const { responds, source } = { source: 'webhook', ...given }
  class Hooks {
    receive(request: Request, attempt: Attempt, response?: unknown) {
      return handler(request, response, attempt)
    }
  }
  const { prototype } = Hooks
  const descriptor = Object.getOwnPropertyDescriptor(prototype, 'receive')!
  for (const decorator of [hookonce.Webhook(source), ...decorate]) decorator(prototype, 'receive', descriptor)
  common.Req()(prototype, 'receive', 0)
  hookonce.WebhookAttempt()(prototype, 'receive', 1)
  if (responds) common.Res()(prototype, 'receive', 2)
  common.Controller()(Hooks)
  return Hooks
}

export async function applicationOf(
  { core, hookonce, platform, options }: Nest,
  given: HookonceModuleOptions,
  controllers: Type[],
  prepare: (app: INestApplication) => unknown = () => {},
): Promise<INestApplication> {
  class App {}
  const module = { module: App, imports: [hookonce.HookonceModule.forRoot(given)], controllers }
  const quiet = { logger: false as const, abortOnError: false }
  const app = await core.NestFactory.create(module, platform(), { ...quiet, ...options })
  await prepare(app)
  return app.init()
}

export function listenerOf(starting: Promise<INestApplication>): RequestListener {
  const started = starting.then(async app => {
    const adapter = app.getHttpAdapter()
    const instance = adapter.getInstance()
    if (adapter.getType() === 'express') return instance as RequestListener
    await instance.ready()
    return instance.routing as RequestListener
  })
  return (req, res) =>
    void started.then(
      listener => listener(req, res),
      () => res.destroy(),
    )
}
