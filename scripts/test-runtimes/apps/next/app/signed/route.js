import { hmac } from 'hookonce/senders/hmac'
import { memoryStore } from 'hookonce/stores/memory'
import { orders } from '../../orders.js'

export const POST = orders(memoryStore(), hmac({ secrets: [process.env.SHOP_SECRET] }))
