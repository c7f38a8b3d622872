import { userInfo } from "node:os";
import type { Machine, SshJump } from "../../fleet/machine.ts";
import { DroverError } from "../../nix/drover-error.ts";
import { machineConnection, type MachineConnection } from "../../nix/machine-spec/connection.ts";
import { decodeHostKeys } from "../../nix/machine-spec/host-key.ts";
import type { Identity } from "../ssh/identity.ts";
import type { SshTarget } from "../ssh/target.ts";

/** What is known of a machine that is to be connected to. */
export type ReachableMachine = Pick<Machine, "name" | "spec" | "route">;

/** Who logs in. */
export interface IdentityTools {
  /** @param path as the machine's line or route names it; null when neither names one */
  readonly readIdentity: (path: string | null) => Promise<Identity>;
  /** Socket of an ssh-agent. It serves identities that can't be used without it, too. @default none */
  readonly agent?: string | undefined;
}

/** Where a machine is and how it is logged in to: its URI's and line's words, and what a route says beyond them. */
export interface MachineDestination {
  readonly machine: string;
  readonly connection: MachineConnection;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Path of the identity; null: the deployment's own. */
  readonly identityFile: string | null;
  /** Socket of an ssh-agent, in place of the runner's own; null: the runner's own. */
  readonly identityAgent: string | null;
  readonly jumps: readonly SshJump[];
}

/**
 * A route's host, port and user are final, since ssh knew the URI's own when it made them out. The identity that the
 * line names goes before the route's.
 *
 * @throws {DroverError} DROVER_MACHINE_URI
 */
export function machineDestination({ name, spec, route }: ReachableMachine): MachineDestination {
  const connection = machineConnection(spec);
  const { host, port, user } = route ?? connection.address;
  return {
    machine: name,
    connection,
    host,
    port,
    // As ssh does: who runs the client is who logs in.
    user: user ?? connection.address.user ?? userInfo().username,
    identityFile: connection.sshKey ?? route?.identityFile ?? null,
    identityAgent: route?.identityAgent ?? null,
    jumps: route?.jumps ?? [],
  };
}

/**
 * The machine as a target of SSH.
 *
 * @throws {DroverError} DROVER_HOST_KEY, DROVER_BASE64, and whatever `readIdentity` throws
 */
export async function machineTarget(destination: MachineDestination, tools: IdentityTools): Promise<SshTarget> {
  const { machine, host, port, user, connection } = destination;
  const identity = await identityOf(destination.identityFile, agentOf(destination, tools), tools);
  const { compress } = connection;
  return { machine, host, port, user, ...identity, hostKeys: trustedHostKeys(destination), compress };
}

/**
 * Its jump hosts as targets of SSH, nearest first.
 *
 * @throws as {@link machineTarget}
 */
export async function jumpTargets(destination: MachineDestination, tools: IdentityTools): Promise<SshTarget[]> {
  const targets = destination.jumps.map(async ({ host, port, user, identityFile, hostKey }): Promise<SshTarget> => {
    const identity = await identityOf(identityFile, agentOf(destination, tools), tools);
    return {
      machine: `the jump host ${host} of ${destination.machine}`,
      host,
      port,
      user: user ?? userInfo().username,
      ...identity,
      hostKeys: decodeHostKeys(hostKey),
      isJump: true,
    };
  });
  return await Promise.all(targets);
}

/** @throws {DroverError} DROVER_HOST_KEY, DROVER_BASE64 */
export function trustedHostKeys({ connection: { hostKey } }: MachineDestination): SshTarget["hostKeys"] {
  return hostKey === null ? [] : decodeHostKeys(hostKey);
}

function agentOf(destination: MachineDestination, tools: IdentityTools): string | undefined {
  return destination.identityAgent ?? tools.agent;
}

/** Where an agent is asked anyway, an identity that only it can use, and a default that is not there, do no harm. */
async function identityOf(
  path: string | null,
  agent: string | undefined,
  { readIdentity }: IdentityTools,
): Promise<Pick<SshTarget, "identity" | "agent">> {
  const identity = await readIdentity(path).catch((error: unknown) => {
    if (agent === undefined || !(error instanceof DroverError)) throw error;
    if (error.code === "DROVER_IDENTITY_LOCKED" || path === null) return null;
    throw error;
  });
  return { identity, agent };
}
