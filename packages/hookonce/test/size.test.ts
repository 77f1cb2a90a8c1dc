import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { rolldown } from 'rolldown'
import { expect, test } from 'vitest'

const ENTRY = `export { createReceiver } from 'hookonce'
export { handleFetch } from 'hookonce/adapters/fetch'
export { memoryStore } from 'hookonce/stores/memory'`

/** What an application would have of these three in its bundle. */
async function bundled(): Promise<string> {
  const bundle = await rolldown({
    input: 'entry',
    cwd: fileURLToPath(new URL('.', import.meta.url)),
    platform: 'node',
    plugins: [
      { name: 'entry', resolveId: id => (id === 'entry' ? id : null), load: id => (id === 'entry' ? ENTRY : null) },
    ],
  })
  const { output } = await bundle.generate({ format: 'esm', minify: true })
  await bundle.close()
  return output.map(part => (part.type === 'chunk' ? part.code : '')).join('')
}

test('the main entry, an adapter and the memory store are small and import no driver and no thread', async () => {
  const code = await bundled()
  expect(gzipSync(code).byteLength).toBeLessThanOrEqual(20_000)
  const imports = Array.from(code.matchAll(/(?:from|import\()["'`]([^"'`]+)["'`]/g), ([, name]) => name)
  expect(imports).toContain('node:crypto')
  expect(imports.filter(name => !name!.startsWith('node:') || name === 'node:worker_threads')).toEqual([])
})
