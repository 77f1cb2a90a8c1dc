import { processCases } from './cases/index.js'
import { onRedis } from './support/stores.js'

onRedis(processCases)
