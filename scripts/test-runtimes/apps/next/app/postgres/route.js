import { postgresStore } from 'hookonce/stores/postgres'
import { orders } from '../../orders.js'

export const POST = orders(postgresStore(process.env.DATABASE_URL))
