import type { OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common'
import type { DiscoveryService, HttpAdapterHost, MetadataScanner } from '@nestjs/core'
import { type ExpressAdapter, keepRawBodies } from './express.js'
import { parseWebhooks, readWebhooks } from './fastify.js'
import { markOf, type Webhooks } from './webhooks.js'

/** What is done when the application has its HTTP adapter, when it starts and when it ends. */
export class Lifecycle implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #webhooks: Webhooks
  readonly #host: HttpAdapterHost
  readonly #discovery: DiscoveryService
  readonly #scanner: MetadataScanner

  constructor(webhooks: Webhooks, host: HttpAdapterHost, discovery: DiscoveryService, scanner: MetadataScanner) {
    this.#webhooks = webhooks
    this.#host = host
    this.#discovery = discovery
    this.#scanner = scanner
    // A testing module has an adapter only when its application is created.
    host.init$.subscribe(() => this.#prepare())
  }

  #prepare(): void {
    const { httpAdapter } = this.#host
    switch (httpAdapter?.getType?.()) {
      case 'express':
        keepRawBodies(httpAdapter as unknown as ExpressAdapter)
        break
      case 'fastify':
        readWebhooks(httpAdapter.getInstance(), this.#webhooks)
    }
  }

  /** @throws {ConfigurationError} a webhook has no source */
  onApplicationBootstrap(): void {
    for (const { metatype } of this.#discovery.getControllers()) {
      const { prototype } = metatype as { prototype: Record<string, object> }
      for (const name of this.#scanner.getAllMethodNames(prototype)) {
        const mark = markOf(prototype[name]!)
        if (mark !== undefined) this.#webhooks.check(mark)
      }
    }
    const { httpAdapter } = this.#host
    if (httpAdapter?.getType?.() === 'fastify') parseWebhooks(httpAdapter.getInstance())
  }

  async onApplicationShutdown(): Promise<void> {
    const { receiver } = this.#webhooks
    await receiver?.settled()
    await receiver?.close()
  }
}
