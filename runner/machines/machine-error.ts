import { DroverError } from "../../nix/drover-error.ts";
import type { MachineFault } from "../../fleet/machine.ts";

/**
 * A failure that is the machine's: not the derivation's, and not the control plane's. An attempt that meets one ends
 * as a machine fault, and the step is tried elsewhere (invariant 8).
 */
export class MachineError extends DroverError {
  get fault(): MachineFault {
    return { code: this.code, message: this.message, remedy: this.remedy };
  }

  /** The same error, as one of a machine's. */
  static from(error: DroverError): MachineError {
    if (error instanceof MachineError) return error;
    const { code, message, remedy, subject, details } = error;
    return new MachineError(code, message, {
      details,
      cause: error,
      ...(remedy !== undefined && { remedy }),
      ...(subject !== undefined && { subject }),
    });
  }
}
