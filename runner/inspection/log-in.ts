import type { PresentedHostKey } from "../../fleet/inspection.ts";
import { DroverError } from "../../nix/drover-error.ts";
import { hostKeyFingerprint } from "../../nix/machine-spec/host-key.ts";
import {
  type IdentityTools,
  type MachineDestination,
  machineTarget,
  trustedHostKeys,
} from "../machines/destination.ts";
import { logIn } from "../ssh/connect.ts";
import type { SshConnection } from "../ssh/connection.ts";
import { handshakeRemedy, trustRemedy, wrongHostKey } from "../ssh/failures.ts";
import { keyType } from "../ssh/key-type.ts";
import { scanHostKeys } from "../ssh/scan-host-keys.ts";
import type { SshTarget, SshTimings } from "../ssh/target.ts";
import type { Transport } from "../ssh/transport.ts";
import type { InspectionRows } from "./rows.ts";

/** A port that answers. */
export interface OpenPort {
  readonly transport: Transport;
  /** Another connection to it. */
  readonly again: () => Promise<Transport>;
}

export interface LogIn {
  readonly connection: SshConnection | undefined;
  /** What presents itself there; of a connection that came about, ask it in the end. */
  readonly presented: readonly Uint8Array[];
}

/**
 * The rows `host-key` and `log-in`. A host that proves itself by a trusted key is logged in to, and tells of its other
 * keys by itself; any other one is asked for all of its keys and told nothing.
 */
export async function tryLogIn(
  destination: MachineDestination,
  port: OpenPort,
  rows: InspectionRows,
  options: IdentityTools & { readonly timings: SshTimings; readonly signal: AbortSignal },
): Promise<LogIn> {
  const { signal, timings } = options;
  const scan = async () => {
    port.transport.on("error", () => {}).destroy();
    return await keysOf(port, rows, signal);
  };
  const refusal = async (trusted: SshTarget["hostKeys"], error: DroverError): Promise<LogIn> => {
    const presented = await scan();
    compare(destination, trusted, presented, rows);
    if (rows.outcomeOf("host-key") === "passed") rows.failedBy("log-in", error);
    return { connection: undefined, presented };
  };
  const trusted = await orProblem(() => trustedHostKeys(destination));
  if (trusted instanceof DroverError || trusted.length === 0) {
    const presented = await scan();
    if (trusted instanceof DroverError) rows.failedBy("host-key", trusted);
    else introduce(destination, presented, rows);
    return { connection: undefined, presented };
  }
  const target = await orProblem(() => machineTarget(destination, options));
  if (target instanceof DroverError) return await refusal(trusted, target);
  const connection = await orProblem(() => logIn(target, port.transport, { timings, signal, via: undefined }));
  if (connection instanceof DroverError) {
    if (!isBeforeLogIn(connection)) return await refusal(trusted, connection);
    const presented = connection.code === "DROVER_SSH_TIMEOUT" ? [] : await scan();
    rows.failedBy("host-key", connection);
    return { connection: undefined, presented };
  }
  const [shown] = connection.hostKeys;
  rows.passed("host-key", `presents ${shown === undefined ? "a key" : describeKey(shown)}, which is trusted`);
  rows.passed("log-in", `as ${target.user} with ${describeIdentity(target)}`);
  return { connection, presented: [] };
}

/** Errors of the key exchange, and of the time before it. */
function isBeforeLogIn({ code, details }: DroverError): boolean {
  if (code === "DROVER_SSH_TIMEOUT") return details["stage"] !== "authentication";
  return /^DROVER_(HOST_KEY|SSH_HANDSHAKE|SSH_UNREACHABLE)/.test(code);
}

/** As the API and the command line show it. */
export function presentedHostKey(blob: Uint8Array): PresentedHostKey {
  const type = keyType(blob);
  const line = `${type} ${Buffer.from(blob).toString("base64")}`;
  return { type, fingerprint: hostKeyFingerprint(blob), line };
}

/** A machine of which no key is trusted shows all that it has. */
function introduce({ machine }: MachineDestination, presented: readonly Uint8Array[], rows: InspectionRows): void {
  if (presented.length === 0) return;
  const found = `presents ${presented.map(describeKey).join(", ")}; none is trusted yet`;
  rows.failed("host-key", { code: "DROVER_HOST_KEY_UNKNOWN", found, remedy: trustRemedy(machine) });
}

/** Whether a machine that can not be logged in to is the right one. */
function compare(
  { machine, host, port, user }: MachineDestination,
  trusted: SshTarget["hostKeys"],
  presented: readonly Uint8Array[],
  rows: InspectionRows,
): void {
  if (presented.length === 0) return;
  const known = presented.find((key) => trusted.some(({ blob }) => Buffer.from(blob).equals(key)));
  if (known !== undefined) {
    rows.passed("host-key", `presents ${describeKey(known)}, which is trusted`);
    return;
  }
  const target = { machine, host, port, user, identity: null, hostKeys: trusted };
  const sameType = presented.find((key) => trusted.some(({ type }) => type === keyType(key)));
  rows.failedBy("host-key", wrongHostKey(target, sameType, undefined));
}

/** All keys of a server; where there are none, the row `host-key` says why. */
async function keysOf(port: OpenPort, rows: InspectionRows, signal: AbortSignal): Promise<readonly Uint8Array[]> {
  try {
    const presented = await scanHostKeys(port.again, signal);
    if (presented.length === 0) rows.failed("host-key", { ...notSsh, found: "has no host key of a known type" });
    return presented;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof DroverError) rows.failedBy("host-key", error);
    else rows.failed("host-key", { ...notSsh, found: `no SSH server answers: ${describe(error)}` });
    return [];
  }
}

const notSsh = { code: "DROVER_SSH_HANDSHAKE", remedy: handshakeRemedy };

async function orProblem<T>(work: () => T | Promise<T>): Promise<T | DroverError> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof DroverError) return error;
    throw error;
  }
}

function describeKey(blob: Uint8Array): string {
  return `${keyType(blob)} ${hostKeyFingerprint(blob)}`;
}

/** Which of several identities was admitted, sshd does not say. */
function describeIdentity({ identity, agent }: SshTarget): string {
  const others = agent === undefined ? [] : ["an identity of the ssh-agent"];
  const own = identity === null ? [] : [`${identity.label} (${identity.fingerprint})`];
  return [...own, ...others].join(" or ");
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
