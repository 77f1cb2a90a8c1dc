/**
 * Writes the JavaScript of both packages, a module a file: the library's for `import` and for `require`, the server's for
 * `import`. Takes a second; types are `tsc -b`'s. `--sourcemap` adds maps, for the coverage of the tests.
 */
import { readdirSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

const library = fileURLToPath(new URL('../packages/hookonce', import.meta.url))
const server = fileURLToPath(new URL('../packages/server', import.meta.url))
/** The oldest runtime that is supported. */
const TARGET = 'node20.19'

/** Every source is an entry: each keeps its file and all of its exports. */
const sourcesOf = folder =>
  readdirSync(join(folder, 'src'), { recursive: true })
    .filter(name => name.endsWith('.ts') && !name.endsWith('.d.ts'))
    .map(name => join(folder, 'src', name))

/** Bundled into one text, so that no bundler of an application has to find the file of a worker. */
async function workerSource() {
  const bundle = await rolldown({
    input: join(library, 'src/stores/sqlite/worker-thread/worker.ts'),
    platform: 'node',
    transform: { target: TARGET },
    treeshake: false,
  })
  const { output } = await bundle.generate({
    format: 'cjs',
    strict: true,
    minify: false,
    codeSplitting: false,
    comments: false,
  })
  await bundle.close()
  return output[0].code
}

/** Modules import the bundler's helpers, and none uses them. */
const withoutRuntime = {
  name: 'without-runtime',
  renderChunk: (code, _chunk, { format }) =>
    format === 'es' ? code.replace(/^import "[./]*_virtual\/_rolldown\/runtime\.js";\n/m, '') : null,
  generateBundle({ format }, bundle) {
    if (format === 'es') delete bundle['_virtual/_rolldown/runtime.js']
  },
}

async function build({ folder, formats, define, sourcemap }) {
  const bundle = await rolldown({
    input: sourcesOf(folder),
    platform: 'node',
    external: id => !id.startsWith('.') && !isAbsolute(id),
    transform: { target: TARGET, define },
    treeshake: false,
    optimization: { inlineConst: false },
    plugins: [withoutRuntime],
  })
  for (const { format, extension } of formats) {
    await bundle.write({
      dir: join(folder, 'dist'),
      format,
      strict: true,
      // By default it removes calls whose result is not used, such as `decodeURIComponent` in a check.
      minify: false,
      sourcemap,
      preserveModules: true,
      preserveModulesRoot: join(folder, 'src'),
      entryFileNames: `[name].${extension}`,
      chunkFileNames: `[name].${extension}`,
    })
  }
  await bundle.close()
}

const sourcemap = process.argv.includes('--sourcemap')
await build({
  folder: library,
  formats: [
    { format: 'esm', extension: 'js' },
    { format: 'cjs', extension: 'cjs' },
  ],
  define: { SQLITE_WORKER_SOURCE: JSON.stringify(await workerSource()) },
  sourcemap,
})
await build({ folder: server, formats: [{ format: 'esm', extension: 'js' }], sourcemap })
