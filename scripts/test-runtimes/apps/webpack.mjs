// Bundles server.mjs; what webpack warns of is an error.
import webpack from 'webpack'

const configuration = {
  mode: 'production',
  target: 'node',
  context: import.meta.dirname,
  entry: './server.mjs',
  output: { path: import.meta.dirname, filename: 'bundle.cjs' },
}
webpack(configuration, (error, stats) => {
  if (error === null && !stats.hasErrors() && !stats.hasWarnings()) return
  console.error(error ?? stats.toString('errors-warnings'))
  process.exit(1)
})
