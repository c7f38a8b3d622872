import type { Place, Remark } from "../../../nix/machine-spec/report.ts";
import type { MachineRemark } from "../schema/machines.ts";

/** Most errors, and most lints, of one answer: it must not become larger than what API Gateway passes on. */
const most = 10_000;

/** What there is to say of a text, in its order. */
export class Remarks {
  readonly #errors: MachineRemark[] = [];
  readonly #lints: MachineRemark[] = [];

  error(at: Place, remark: Remark): void {
    add(this.#errors, at, remark);
  }

  lint(at: Place, remark: Remark): void {
    add(this.#lints, at, remark);
  }

  listed(): { errors: MachineRemark[]; lints: MachineRemark[] } {
    return { errors: this.#errors, lints: this.#lints };
  }
}

function add(remarks: MachineRemark[], { file, line, column }: Place, { code, message, remedy }: Remark): void {
  const at = { file: file ?? "builders", line, column };
  if (remarks.length < most) remarks.push({ ...at, code, message, remedy });
  else if (remarks.length === most) remarks.push({ ...at, ...moreRemarks });
}

const moreRemarks: Remark = {
  code: "DROVER_MACHINES_MORE_REMARKS",
  message: `There is more to say from here on, but no more than ${most} remarks are listed.`,
  remedy: "Correct the lines that are listed, and import again.",
};
