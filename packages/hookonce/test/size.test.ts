import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { rolldown } from 'rolldown'
import { expect, test } from 'vitest'

const MOST_BYTES = 20_000

/** What Cloudflare Workers have too. */
const EVERYWHERE = /^node:(buffer|crypto|diagnostics_channel|util|util\/types|zlib)$/

const APPLICATION = `
  import { createReceiver } from 'hookonce'
  import { handleFetch } from 'hookonce/adapters/fetch'
  import { memoryStore } from 'hookonce/stores/memory'

  const source = createReceiver({ store: memoryStore() }).source({ name: 'orders' })
  export default request => handleFetch(source, request, () => new Response('shipped'))
`

test('a receiver with the fetch adapter and the memory store is at most 20 kB, without a driver or a thread', async () => {
  const bundle = await rolldown({
    input: 'application',
    cwd: fileURLToPath(new URL('.', import.meta.url)),
    platform: 'node',
    plugins: [
      {
        name: 'application',
        resolveId: id => (id === 'application' ? fileURLToPath(new URL('./application.js', import.meta.url)) : null),
        load: id => (id.endsWith('/test/application.js') ? APPLICATION : null),
      },
    ],
  })
  const { output } = await bundle.generate({ minify: true, codeSplitting: false })
  await bundle.close()
  const [{ code, imports, dynamicImports }] = output
  expect(gzipSync(code).byteLength).toBeLessThanOrEqual(MOST_BYTES)
  expect(dynamicImports).toEqual([])
  expect(imports.filter(name => !EVERYWHERE.test(name))).toEqual([])
})
