import { defineConfig } from "vitest/config";

/**
 * Three projects, from milliseconds to minutes. `machines` boots real Nix machines, so its files run one after
 * another: they share the processors, and tests of capacity measure.
 */
export default defineConfig({
  test: {
    projects: [
      { test: { name: "pure", include: ["test/{house,nix,fleet}/**/*.test.ts"] } },
      {
        test: {
          name: "engines",
          include: ["test/{cloud,lambdas,runner,cli,local,infra}/**/*.test.ts"],
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "machines",
          include: ["test/{machines,end-to-end}/**/*.test.ts"],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
