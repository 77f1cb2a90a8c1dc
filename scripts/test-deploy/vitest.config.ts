import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

/** `npm run test:deploy`: apart from the other tests, for it may install proxies and the schemas of Kubernetes. */
export default defineConfig({
  test: {
    root: fileURLToPath(new URL('../..', import.meta.url)),
    include: ['scripts/test-deploy/*.check.ts'],
    testTimeout: 60_000,
    hookTimeout: 1_200_000,
  },
})
