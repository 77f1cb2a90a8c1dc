import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { defineConfig, type Plugin } from 'vite'

/** Smaller ones fit into one packet as they are. */
const MIN_BYTES = 1_024

/** Beside each file, for the server to send: as small as it gets, at no cost while it runs. */
const precompressed: Plugin = {
  name: 'precompressed',
  apply: 'build',
  writeBundle({ dir = '' }, bundle) {
    for (const name of Object.keys(bundle)) {
      const file = join(dir, name)
      const bytes = readFileSync(file)
      if (bytes.length < MIN_BYTES) continue
      writeFileSync(`${file}.br`, brotliCompressSync(bytes))
      writeFileSync(`${file}.gz`, gzipSync(bytes, { level: 9 }))
    }
  },
}

export default defineConfig({
  // A proxy may serve it under any path.
  base: './',
  plugins: [precompressed],
  // `npm run dev` here, beside a server on its usual port.
  server: { proxy: { '^/(api|webhook|problems)': 'http://127.0.0.1:8000' } },
  build: {
    // Part of the server's package, which serves it.
    outDir: '../server/dist/dashboard',
    emptyOutDir: true,
    // Where `light-dark()` and `<dialog>` are known.
    target: ['chrome123', 'firefox120', 'safari17.5'],
    // The page's policy allows no data: URLs.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
})
