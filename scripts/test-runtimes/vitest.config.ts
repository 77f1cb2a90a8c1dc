import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

/** `npm run test:runtimes`: apart from the other tests, for it installs half a gigabyte of runtimes and bundlers. */
export default defineConfig({
  test: {
    root: fileURLToPath(new URL('../..', import.meta.url)),
    include: ['scripts/test-runtimes/*.check.ts'],
    globalSetup: ['./scripts/test-run/temporary-folder.ts', './scripts/test-runtimes/install.ts'],
    maxWorkers: 2,
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
})
