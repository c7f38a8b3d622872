import { DroverError } from "../drover-error.ts";
import { quote, withoutPassword } from "./quote.ts";

export function invalidUri(uri: string, problem: string, remedy: string): DroverError {
  const subject = withoutPassword(uri);
  return new DroverError("DROVER_MACHINE_URI", `${quote(subject)} is not the address of a machine: ${problem}.`, {
    subject,
    remedy,
  });
}
