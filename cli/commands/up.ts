import { fileURLToPath } from "node:url";
import { DroverError } from "../../nix/drover-error.ts";

const program = fileURLToPath(new URL("../../local/up.ts", import.meta.url));

interface UpOptions {
  readonly data?: string;
  readonly port?: number;
  readonly fromCdkOut?: string;
}

/**
 * Becomes the whole product on this machine (execve(2)): what is told to this process is told to the product, and no
 * parent is left that could die without it.
 */
export function up(options: UpOptions): never {
  const args = [
    ...(options.data === undefined ? [] : ["--data", options.data]),
    ...(options.fromCdkOut === undefined ? [] : ["--from-cdk-out", options.fromCdkOut]),
    ...(options.port === undefined ? [] : ["--port", String(options.port)]),
  ];
  if (process.execve === undefined) {
    throw new DroverError("DROVER_PLATFORM", "drover up needs a POSIX system", { remedy: "Run it on Linux or macOS." });
  }
  return process.execve(process.execPath, [process.execPath, program, ...args], process.env);
}
