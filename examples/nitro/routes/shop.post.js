import { handleFetch } from 'hookonce/adapters/fetch'
import { defineHandler } from 'nitro/h3'
import { shop, takeOrder } from '../orders.js'

export default defineHandler(event => handleFetch(shop, event.req, takeOrder))
