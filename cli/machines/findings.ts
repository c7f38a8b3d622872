import type { MachineRemark } from "../../lambdas/api/schema/machines.ts";

/** Something about a machine, wherever its lines are. */
export type Finding = Pick<MachineRemark, "code" | "message" | "remedy">;

/** What has been found out about a machine on the owner's disk. */
export class Findings {
  /** These cost the machine's lines. */
  readonly errors: Finding[] = [];
  readonly lints: Finding[] = [];

  error(code: string, message: string, remedy: string): void {
    this.errors.push({ code, message, remedy });
  }

  lint(code: string, message: string, remedy: string): void {
    this.lints.push({ code, message, remedy });
  }

  /** What of the ssh_config stays behind. */
  leftBehind(message: string, remedy: string): void {
    this.lint("DROVER_SSH_CONFIG", message, remedy);
  }
}
