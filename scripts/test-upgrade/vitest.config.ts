import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

/** `npm run test:upgrade`: apart from the other tests, for it installs and builds the previous release. */
export default defineConfig({
  test: {
    root: fileURLToPath(new URL('../..', import.meta.url)),
    include: ['scripts/test-upgrade/*.check.ts'],
    globalSetup: './scripts/test-run/temporary-folder.ts',
    testTimeout: 300_000,
    hookTimeout: 1_200_000,
  },
})
