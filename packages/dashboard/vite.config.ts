import { defineConfig } from 'vite'

export default defineConfig({
  base: '/dashboard/',
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
