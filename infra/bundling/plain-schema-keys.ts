import { readFile } from "node:fs/promises";
import type { Plugin } from "esbuild";

/**
 * Lets esbuild leave out the shapes of those 100 operations of S3 that nobody here calls: their descriptions have keys
 * like `[_h]`, where `const _h = "http"`, and what is computed might have side effects. Writes the text in place of the
 * constant. Descriptions without such keys (DynamoDB, SQS) pass unchanged.
 */
export const plainSchemaKeys: Plugin = {
  name: "plain-schema-keys",
  setup(build) {
    build.onLoad({ filter: /[\\/]@aws-sdk[\\/].*[\\/]schemas[\\/]schemas_0\.js$/ }, async ({ path }) => ({
      contents: withPlainKeys(await readFile(path, "utf8")),
      loader: "js",
    }));
  },
};

function withPlainKeys(source: string): string {
  const constants = new Map<string, string>();
  for (const [, name = "", text = ""] of source.matchAll(/^const (_\w+) = ("[^"\\]*");$/gm)) constants.set(name, text);
  return source.replaceAll(/\[(_\w+)\]:/g, (key, name: string) => {
    const text = constants.get(name);
    return text === undefined ? key : `${text}:`;
  });
}
