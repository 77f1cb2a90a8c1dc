/** Which part may import which. An arrow that is not here is an error; see ARCHITECTURE.md. */
const library = 'packages/hookonce/src'
const only = (name, from, allowed) => ({
  name,
  severity: 'error',
  from: { path: from },
  to: { path: '^packages/', pathNot: allowed },
})
const values = `${library}/(errors|clock|diagnostics|report|options|attempt|settings|short-lived-map|time-limits|with-defaults)\\.ts$`
const engine = `${library}/(idempotency|engine-options|joining|claiming|holding|committing|keyless|accepting|working|watching|outcome|asking|metering|lease-id|quota|store|inbox-store)\\.ts$`

const senders = `${library}/senders/`

const receiver = `${library}/(receiver|answer|answering|intake|label|inbox|webhooks|stored-delivery|retries|breaker|target-state|slots|response|delivery|header-names|failure-reason|key|problem|fingerprint)\\.ts$`

export default {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'library-without-dependencies',
      comment: 'drivers are imported by the stores that need them, nothing else is; types cost nothing',
      severity: 'error',
      from: { path: library, pathNot: `${library}/stores/` },
      to: {
        dependencyTypes: ['npm', 'npm-dev', 'npm-optional', 'npm-peer'],
        dependencyTypesNot: ['type-only'],
      },
    },
    only('engine-knows-no-http', engine, [values, engine]),
    only('receiver-knows-no-framework', receiver, [
      values,
      engine,
      receiver,
      `${senders}(sender|primitives/[a-z-]+)\\.ts$`,
    ]),
    only('senders-know-deliveries-only', senders, [
      `${library}/(delivery|key|response|errors|options|store)\\.ts$`,
      senders,
    ]),
    only('adapters-only-translate', `${library}/adapters/`, [`${library}/[^/]+\\.ts$`, `${library}/adapters/`]),
    ...['memory', 'sqlite', 'redis', 'postgres'].map(store =>
      only(`${store}-store-stands-alone`, `${library}/stores/${store}/`, [
        `${library}/(store|inbox-store|errors|options|clock|connection-url|time-limits|with-defaults|short-lived-map)\\.ts$`,
        `${library}/stores/${store}/`,
      ]),
    ),
    only('testing-knows-the-contract-only', `${library}/testing/`, [
      `${library}/(store|inbox-store|errors|clock)\\.ts$`,
      `${library}/testing/`,
    ]),
    only('dashboard-knows-the-api-only', '^packages/dashboard/src/', '^packages/dashboard/src/'),
    {
      name: 'server-uses-public-exports',
      severity: 'error',
      from: { path: '^(packages/server|examples|bench)/' },
      to: { path: `${library}/|packages/hookonce/dist/(?!index|stores/[a-z]+/index|adapters/|senders/|testing/index)` },
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
