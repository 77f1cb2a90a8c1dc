export default {
  build: { ssr: 'server.mjs', outDir: 'out', rolldownOptions: { output: { entryFileNames: 'bundle.mjs' } } },
  // By default Vite leaves packages out of a server's bundle.
  ssr: { noExternal: true },
}
