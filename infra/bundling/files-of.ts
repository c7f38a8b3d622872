import { basename } from "node:path";
import type { Metafile } from "esbuild";

/** Of the files that esbuild has written into one directory, those that an entry point loads at once or later. */
export function filesOf({ outputs }: Metafile, entryPoint: string): readonly string[] {
  const imports = new Map(
    Object.entries(outputs).map(([path, output]) => [
      basename(path),
      output.imports.filter(({ external }) => external !== true).map((each) => basename(each.path)),
    ]),
  );
  const files = new Set([entryPoint]);
  // A set is walked over what is added to it on the way, too.
  for (const file of files) for (const imported of imports.get(file) ?? []) files.add(imported);
  return [...files];
}
