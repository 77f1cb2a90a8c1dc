import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

/** `npm run test:api`: apart from the other tests, for it takes a minute and may install Schemathesis. */
export default defineConfig({
  test: {
    root: fileURLToPath(new URL('../..', import.meta.url)),
    include: ['scripts/test-api/*.check.ts'],
    testTimeout: 600_000,
    hookTimeout: 1_200_000,
  },
})
