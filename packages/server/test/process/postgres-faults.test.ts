import { storeFaultCases } from './cases/store-faults.js'
import { onPostgres } from './support/stores.js'

onPostgres(storeFaultCases)
