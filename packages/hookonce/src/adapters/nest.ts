import {
  applyDecorators,
  createParamDecorator,
  type DynamicModule,
  type ExecutionContext,
  Module,
  type ModuleMetadata,
  SetMetadata,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common'
import { DiscoveryModule, DiscoveryService, HttpAdapterHost, MetadataScanner } from '@nestjs/core'
import { Delivery } from '../http/delivery.js'
import type { AnyReceiver, AnySource } from './given.js'
import { Lifecycle } from './nest/lifecycle.js'
import { ReportErrors } from './nest/report-errors.js'
import { rawRequest, WebhookGuard } from './nest/webhook-guard.js'
import { ROUTE_CONFIG, WEBHOOK, type WebhookMark, Webhooks } from './nest/webhooks.js'
import { attemptOf } from './node/attempt-of.js'
import { headOf } from './node/handle-request.js'

export { attemptOf } from './node/attempt-of.js'

export interface HookonceModuleOptions {
  /** For the webhooks that name no source. Settled and closed, with its store, when the application closes. */
  receiver?: AnyReceiver | undefined
  /** By the names that `@Webhook(name)` has. They may be of an inbox, which acknowledges: the method does not run. */
  sources?: Record<string, AnySource> | undefined
}

export interface HookonceModuleAsyncOptions extends Pick<ModuleMetadata, 'imports'> {
  /** Providers that `useFactory` gets. */
  inject?: (string | symbol | (abstract new (...args: never) => unknown))[]
  // biome-ignore lint/suspicious/noExplicitAny: what is injected has any type
  useFactory: (...injected: any[]) => HookonceModuleOptions | Promise<HookonceModuleOptions>
}

/**
 * Makes `@Webhook()` work in all modules of a Nest application, on Express and on Fastify over HTTP/1. Import it once,
 * in the root module.
 *
 * @throws {ConfigurationError} while the application starts: an option is wrong, a webhook has no source, or the server
 *   is HTTP/2
 *
 * @example
 * const receiver = createReceiver({ store: sqliteStore('./data/hookonce.db') })
 * const sources = { stripe: receiver.source({ name: 'stripe', sender: stripe({ secrets }) }) }
 * @Module({ imports: [HookonceModule.forRoot({ receiver, sources })], controllers: [PaymentsController] })
 * class AppModule {}
 */
// biome-ignore lint/complexity/noStaticOnlyClass: Nest's modules are classes
export class HookonceModule {
  static forRoot(options: HookonceModuleOptions): DynamicModule {
    return HookonceModule.forRootAsync({ useFactory: () => options })
  }

  static forRootAsync({ imports = [], inject = [], useFactory }: HookonceModuleAsyncOptions): DynamicModule {
    return {
      module: HookonceModule,
      global: true,
      imports: [...imports, DiscoveryModule],
      providers: [
        { provide: Webhooks, inject, useFactory: async (...injected) => new Webhooks(await useFactory(...injected)) },
        {
          provide: Lifecycle,
          inject: [Webhooks, HttpAdapterHost, DiscoveryService, MetadataScanner],
          useFactory: (...[webhooks, host, discovery, scanner]: ConstructorParameters<typeof Lifecycle>) =>
            new Lifecycle(webhooks, host, discovery, scanner),
        },
      ],
      exports: [Webhooks],
    }
  }
}

Module({})(HookonceModule)

/**
 * Makes a controller's method run once per idempotency key; its answer is recorded and replayed.
 *
 * Nest's middleware and the guards before this one (those of the application, of the controller, and those below it at
 * the method) run for every delivery; interceptors, pipes, the method and exception filters only when it runs, and what
 * they answer is the answer. Headers set before are on every answer, replays included, and are not recorded. An
 * exception fails the attempt; one without a status below 500 is also reported as `handler_threw`.
 *
 * `request.rawBody` has the bytes, with or without the application's `rawBody` option. On Express, Nest's parsers read
 * JSON and forms first, under their own limit: raise it with `app.useBodyParser('json', { limit })`, or create the
 * application with `bodyParser: false`. Bodies of other types are a Buffer. Other middleware that reads the body must
 * keep the bytes as a Buffer in `req.rawBody`.
 *
 * @param source one of the module's `sources`. Default: a source of the module's receiver, named by the route's method
 *   and pattern, prefix and version included (`POST /v1/orders/:id`). Methods with `@All()` need a name.
 *
 * @example
 * @Post('stripe')
 * @Webhook('stripe')
 * async receive(@Body() event: StripeEvent, @WebhookAttempt() attempt: Attempt) {
 *   await this.payments.book(event, { idempotencyKey: attempt.keyFor('book') })
 *   return { ok: true }
 * }
 */
export function Webhook(source?: string): MethodDecorator {
  return (target, key, descriptor) => {
    const method = descriptor.value as object
    const mark: WebhookMark = { source, method }
    const config = { ...Reflect.getMetadata(ROUTE_CONFIG, method), [WEBHOOK]: mark }
    applyDecorators(
      SetMetadata(WEBHOOK, mark),
      SetMetadata(ROUTE_CONFIG, config),
      UseGuards(WebhookGuard),
      UseInterceptors(ReportErrors),
    )(target, key, descriptor)
  }
}

/** A parameter's decorator: the `Attempt`. For the type with `commit` use {@link attemptOf} with the request. */
export const WebhookAttempt: () => ParameterDecorator = createParamDecorator(
  (_: undefined, context: ExecutionContext) => attemptOf(context.switchToHttp().getRequest()),
)

/** A parameter's decorator: the `Delivery`, with the raw bytes. */
export const WebhookDelivery: () => ParameterDecorator = createParamDecorator(
  (_: undefined, context: ExecutionContext) => {
    const request = context.switchToHttp().getRequest()
    return new Delivery({ ...headOf(rawRequest(request)), body: request.rawBody })
  },
)
