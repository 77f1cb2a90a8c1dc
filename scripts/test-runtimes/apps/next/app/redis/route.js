import { redisStore } from 'hookonce/stores/redis'
import { orders } from '../../orders.js'

export const POST = orders(redisStore(process.env.REDIS_URL))
