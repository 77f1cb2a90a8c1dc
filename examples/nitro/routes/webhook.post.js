import { handleFetch } from 'hookonce/adapters/fetch'
import { defineHandler } from 'nitro/h3'
import { orders, takeOrder } from '../orders.js'

export default defineHandler(event => handleFetch(orders, event.req, takeOrder))
