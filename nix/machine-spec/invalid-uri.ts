import { DroverError } from "../drover-error.ts";

export function invalidUri(uri: string, problem: string, remedy: string): DroverError {
  return new DroverError("DROVER_MACHINE_URI", `'${uri}' is not the address of a machine: ${problem}.`, {
    subject: uri,
    remedy,
  });
}
