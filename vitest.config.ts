import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Process and race tests start real servers; two cores carry them, but not in the default 5 s.
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
})
