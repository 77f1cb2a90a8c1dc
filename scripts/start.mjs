// `npm start`: builds what is missing or stale, then becomes the server. Arguments after `--` are the server's.
import { fileURLToPath } from 'node:url'
import { buildStale } from './build-stale.mjs'

buildStale()
process.chdir(process.env.INIT_CWD ?? process.cwd())
process.argv.splice(1, 1, fileURLToPath(new URL('../packages/server/dist/cli.js', import.meta.url)))
await import('../packages/server/dist/cli.js')
