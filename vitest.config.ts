import { defineConfig } from 'vitest/config'
import { LongestFirst } from './scripts/test-run/longest-first.js'

export default defineConfig({
  test: {
    include: ['packages/*/test/**/*.test.ts', 'examples/test/**/*.test.ts', 'scripts/**/*.test.ts'],
    globalSetup: './scripts/test-run/temporary-folder.ts',
    sequence: { sequencer: LongestFirst },
    // What is built runs as it is.
    server: { deps: { external: [/\/packages\/[^/]+\/dist\//] } },
    pool: 'forks',
    // Warnings of the process still reach the tests that listen for them.
    execArgv: ['--no-warnings'],
    // More than two cores: most tests wait for processes, leases and servers.
    maxWorkers: 4,
    // One line a file, failures in full.
    slowTestThreshold: 60_000,
    silent: 'passed-only',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Of what is built and run, told by the lines of its source.
    coverage: {
      provider: 'v8',
      include: ['packages/*/dist/**/*.js', 'packages/server/src/**'],
      reporter: ['text-summary', 'html'],
    },
    expect: { poll: { timeout: 20_000 } },
  },
})
