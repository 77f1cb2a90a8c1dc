import { Body, ConflictException, Controller, Post } from '@nestjs/common'
import type { Attempt } from 'hookonce'
import { Webhook, WebhookAttempt } from 'hookonce/adapters/nest'
import { OrdersService } from './orders.service.js'

interface OrderEvent {
  event: string
}

@Controller('webhooks')
export class OrdersController {
  constructor(private readonly orders: OrdersService) {}

  /** A source of its own, `POST /webhooks/orders`, keyed by `Idempotency-Key`. */
  @Post('orders')
  @Webhook()
  receive(@Body() { event }: OrderEvent, @WebhookAttempt() attempt: Attempt) {
    // An exception is answered as ever, and the sender's retry is the next attempt.
    if (event === 'order.early' && attempt.number === 1) throw new ConflictException('not yet')
    return { ok: true, order: this.orders.add(event), attempt: attempt.number }
  }

  /** Signed: nothing runs that the shop did not send. */
  @Post('shop')
  @Webhook('shop')
  receiveSigned(@Body() { event }: OrderEvent) {
    return { ok: true, order: this.orders.add(event) }
  }
}
