import { handleFetch } from 'hookonce/adapters/fetch'
import { orders, takeOrder } from '$lib/server/orders.js'

/** @type {import('@sveltejs/kit').RequestHandler} */
export const POST = ({ request }) => handleFetch(orders, request, takeOrder)
