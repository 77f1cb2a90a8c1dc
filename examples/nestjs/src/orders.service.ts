import { Injectable } from '@nestjs/common'

@Injectable()
export class OrdersService {
  readonly #events: string[] = []

  add(event: string): number {
    return this.#events.push(event)
  }
}
