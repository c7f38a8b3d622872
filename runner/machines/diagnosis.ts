import { DroverError } from "../../nix/drover-error.ts";
import type { RemoteExit } from "../ssh/remote-process.ts";
import { MachineError } from "./machine-error.ts";
import type { SessionLog } from "./session-log.ts";
import { findSymptom, isNixMissing } from "./symptoms.ts";

/** What is known of a session that failed. */
export interface FailedSession {
  readonly machine: string;
  readonly user: string;
  readonly command: string;
  readonly exit: RemoteExit;
  readonly log: SessionLog;
  /** Whether Nix had greeted: before, all that was said came from ssh's side and the user's shell. */
  readonly hadGreeted: boolean;
}

/** Errors of the serve client that only say that the streams ended or made no sense, and not why. */
const unexplained = /^DROVER_(SERVE_|WIRE)/;

/**
 * Why a session failed. The serve protocol carries no reasons, so they are looked for where they are: in how the
 * connection and the process ended and in what was said on standard error. An error that did not come from the
 * session, such as one of the NAR that was being sent, is returned as it is.
 */
export function diagnose(error: unknown, session: FailedSession): unknown {
  if (!(error instanceof DroverError) || !unexplained.test(error.code)) return error;
  const { machine, user, exit, log, hadGreeted } = session;
  if (exit.kind === "lost") return MachineError.from(exit.error);
  const said = log.lastLines(20);
  if (!hadGreeted) {
    const code = exit.kind === "exited" ? exit.code : undefined;
    if (isNixMissing(code, said.join("\n"))) return nixMissing(session, said, error);
    if (error.code === "DROVER_SERVE_NOISE" || error.code === "DROVER_SERVE_VERSION") {
      return renamed(error.code, `${machine}: ${error.message}`, error.remedy, session, said, error);
    }
  }
  const complaint = said.findLast((line) => line.startsWith("error:")) ?? said.at(-1);
  const symptom = complaint === undefined ? undefined : findSymptom(complaint);
  if (symptom !== undefined) {
    const { what, remedy } = symptom.describe(machine, user);
    return renamed(symptom.code, `${sentence(what)}: ${complaint}`, remedy, session, said, error);
  }
  const what = hadGreeted ? "ended in the middle of its work" : "ended before it greeted";
  return renamed(
    "DROVER_CONNECTION_LOST",
    `nix-store on ${machine} ${what} (${describeExit(exit)})${complaint === undefined ? "" : `: ${complaint}`}`,
    `Look for the reason on the machine; try there, as ${user}: ${session.command}`,
    session,
    said,
    error,
  );
}

function nixMissing(session: FailedSession, said: readonly string[], cause: DroverError): MachineError {
  const { machine, user, command } = session;
  const words = said.at(-1);
  return renamed(
    "DROVER_NIX_NOT_FOUND",
    `${machine} has no Nix where the shell of ${user} looks for it${words === undefined ? "" : `: ${words}`}`,
    `Ensure that the PATH of non-interactive login shells of ${user} contains Nix (for example in ~/.bashrc, above any ` +
      `test for interactive shells, or in /etc/zshenv), or add ?remote-program=/path/to/nix-store to the machine's ` +
      `URI. Try: ssh ${machine} ${command.split(" ")[0]} --version`,
    session,
    said,
    cause,
  );
}

function renamed(
  code: `DROVER_${string}`,
  message: string,
  remedy: string | undefined,
  { machine, exit }: FailedSession,
  said: readonly string[],
  cause: DroverError,
): MachineError {
  return new MachineError(code, message, {
    subject: machine,
    cause,
    details: { exit: describeExit(exit), said },
    ...(remedy !== undefined && { remedy }),
  });
}

function describeExit(exit: RemoteExit): string {
  switch (exit.kind) {
    case "exited":
      return `exit status ${exit.code}`;
    case "signalled":
      return `killed by ${exit.signal}`;
    case "closed":
      return "closed without an exit status";
    case "lost":
      return "connection lost";
  }
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
