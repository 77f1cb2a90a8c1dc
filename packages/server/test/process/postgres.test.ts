import { processCases } from './cases/index.js'
import { onPostgres } from './support/stores.js'

onPostgres(processCases)
