import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { DroverError } from "../nix/drover-error.ts";

/**
 * Makes sure that one process at a time uses a data directory. The lock is SQLite's on a file of its own, which the
 * operating system gives back when the process ends, however it ends.
 *
 * @throws {DroverError} DROVER_DATA_IN_USE
 */
export function lockDataDirectory(directory: string): Disposable {
  const database = new DatabaseSync(join(directory, "lock"), { timeout: 2_000 });
  try {
    database.exec("BEGIN EXCLUSIVE");
  } catch (cause) {
    database.close();
    throw new DroverError("DROVER_DATA_IN_USE", `Another drover up uses ${directory}`, {
      subject: directory,
      remedy: "Stop that one first, or choose another directory with --data.",
      cause,
    });
  }
  return { [Symbol.dispose]: () => database.close() };
}
