import { handleFetch } from 'hookonce/adapters/fetch'
import { shop, takeOrder } from '$lib/server/orders.js'

/** @type {import('@sveltejs/kit').RequestHandler} */
export const POST = ({ request }) => handleFetch(shop, request, takeOrder)
