import type { HostKey } from "../../nix/machine-spec/host-key.ts";
import type { Identity } from "./identity.ts";

/** Where an SSH server is. */
export interface SshPlace {
  /** The machine's name in the fleet, for messages; for a jump host, its own and the machine's. */
  readonly machine: string;
  /** Name or address, IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

/** Where a connection goes, who logs in, and whom it expects to find there. */
export interface SshTarget extends SshPlace {
  readonly user: string;
  /** Null when only the agent is to be asked. */
  readonly identity: Identity | null;
  /** Socket of an ssh-agent, whose keys are tried after the identity. @default none */
  readonly agent?: string | undefined;
  /** Any of these is accepted and nothing else; where there are none, no connection is made at all. */
  readonly hostKeys: readonly Pick<HostKey, "type" | "blob">[];
  /** zlib, as `ssh -C`. @default false */
  readonly compress?: boolean;
  /** Whether it is only gone through. @default false */
  readonly isJump?: boolean;
}

/** Times in milliseconds. */
export interface SshTimings {
  /**
   * For everything until the connection can be used: name lookup, TCP, key exchange and log-in; each jump host has as
   * much of its own. @default 10_000
   */
  readonly connect: number;
  /** How often the other side is asked for a sign of life. @default 5_000 */
  readonly keepAliveInterval: number;
  /** A connection on which nothing at all has come in for so long is given up. @default 15_000 */
  readonly silenceLimit: number;
}

export const defaultSshTimings: SshTimings = { connect: 10_000, keepAliveInterval: 5_000, silenceLimit: 15_000 };
