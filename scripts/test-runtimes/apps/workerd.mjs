// `workerd.mjs SCRIPT`: serves the script in workerd, and says where it listens.
import { Miniflare } from 'miniflare'

const miniflare = new Miniflare({
  modules: true,
  scriptPath: process.argv[2],
  host: '127.0.0.1',
  port: 0,
  compatibilityDate: '2026-07-01',
  compatibilityFlags: ['nodejs_compat'],
})
console.log((await miniflare.ready).href)
