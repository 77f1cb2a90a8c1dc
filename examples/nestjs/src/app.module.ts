import { Module } from '@nestjs/common'
import { createReceiver } from 'hookonce'
import { HookonceModule } from 'hookonce/adapters/nest'
import { hmac } from 'hookonce/senders/hmac'
import { sqliteStore } from 'hookonce/stores/sqlite'
import { OrdersController } from './orders.controller.js'
import { OrdersService } from './orders.service.js'

@Module({
  imports: [
    HookonceModule.forRootAsync({
      useFactory: () => {
        const receiver = createReceiver({ store: sqliteStore('./data/hookonce.db') })
        const sender = hmac({ secrets: [process.env.SHOP_SECRET ?? 'a-secret-for-development-only'] })
        return { receiver, sources: { shop: receiver.source({ name: 'shop', sender }) } }
      },
    }),
  ],
  controllers: [OrdersController],
  providers: [OrdersService],
})
export class AppModule {}
