import { sqliteStore } from 'hookonce/stores/sqlite'
import { orders } from '../../orders.js'

export const POST = orders(sqliteStore('./hookonce.db'))
