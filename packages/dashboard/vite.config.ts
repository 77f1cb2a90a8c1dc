import { defineConfig } from 'vite'

export default defineConfig({
  base: '/dashboard/',
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
