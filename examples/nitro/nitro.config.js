export default {
  preset: 'node-server',
  serverDir: '.',
  // Left out of the bundle: the SQLite store starts a worker thread from its own file.
  rollupConfig: { external: [/^hookonce/] },
}
