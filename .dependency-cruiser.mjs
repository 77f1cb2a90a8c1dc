/** Which part may import which. An arrow that is not here is an error; see ARCHITECTURE.md. */
const library = 'packages/hookonce/src'
const only = (name, from, allowed) => ({
  name,
  severity: 'error',
  from: { path: from },
  to: { path: '^packages/', pathNot: allowed },
})
const folder = name => `${library}/${name}/`
const server = 'packages/server/src'
/** From the lowest: each may import itself and what stands before it. */
const floors = ['config', 'http', 'observability', 'journal', 'deliveries', 'operator', 'runtime', 'cli']
const floor = name => `${server}/${name}/`
const loose = `${library}/(errors|diagnostics)\\.ts$`
const contract = `${library}/stores/(store|inbox-store|journal|rules|history)\\.ts$`
const util = folder('util')

export default {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'library-without-dependencies',
      comment:
        'drivers are imported by the stores that need them, Nest by its adapter, nothing else is; types cost nothing',
      severity: 'error',
      from: { path: library, pathNot: [`${library}/stores/`, `${library}/adapters/nest`] },
      to: {
        dependencyTypes: ['npm', 'npm-dev', 'npm-optional', 'npm-peer'],
        dependencyTypesNot: ['type-only'],
      },
    },
    only('util-knows-nothing', util, [util, loose]),
    only('the-contract-knows-nothing', contract, [contract, loose]),
    ...['memory', 'sqlite', 'redis', 'postgres'].map(store =>
      only(`${store}-store-stands-alone`, folder(`stores/${store}`), [
        contract,
        util,
        loose,
        folder(`stores/${store}`),
      ]),
    ),
    only('engine-knows-no-http-and-no-inbox', folder('engine'), [contract, util, loose, folder('engine')]),
    only('http-is-values', folder('http'), [contract, util, loose, folder('http')]),
    only('senders-know-deliveries-only', folder('senders'), [contract, util, loose, folder('http'), folder('senders')]),
    only('receiver-knows-no-framework', folder('receiver'), [
      ...[contract, util, loose],
      ...['engine', 'http', 'senders', 'receiver'].map(folder),
    ]),
    only('inbox-knows-no-framework', folder('inbox'), [
      ...[contract, util, loose],
      ...['engine', 'http', 'senders', 'receiver', 'inbox'].map(folder),
    ]),
    only('adapters-only-translate', folder('adapters'), [
      ...[contract, util, loose],
      ...['engine', 'http', 'receiver', 'inbox', 'adapters'].map(folder),
    ]),
    only('store-cases-know-the-contract-only', folder('testing/store'), [
      contract,
      util,
      loose,
      folder('testing/store'),
    ]),
    ...floors.map((name, i) =>
      only(`server-${name}-knows-what-is-below`, floor(name), [
        ...floors.slice(0, i + 1).map(floor),
        '^packages/hookonce/dist/',
      ]),
    ),
    only('dashboard-knows-the-api-only', '^packages/dashboard/src/', '^packages/dashboard/src/'),
    {
      name: 'server-uses-public-exports',
      severity: 'error',
      from: { path: '^(packages/server|examples|bench)/' },
      to: {
        path: `${library}/|packages/hookonce/dist/(?!index|stores/[a-z]+/index|adapters/|senders/|testing/index|testing/store/index)`,
      },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^packages/[^/]+/dist/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'default'] },
  },
}
