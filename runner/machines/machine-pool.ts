import { userInfo } from "node:os";
import type { Machine } from "../../fleet/machine.ts";
import { DroverError } from "../../nix/drover-error.ts";
import { machineConnection, type MachineConnection } from "../../nix/machine-spec/connection.ts";
import { decodeHostKey } from "../../nix/machine-spec/host-key.ts";
import { connectSsh } from "../ssh/connect.ts";
import type { Identity } from "../ssh/identity.ts";
import { defaultSshTimings, type SshTimings } from "../ssh/target.ts";
import { InputTransfers } from "./input-transfers.ts";
import { MachineError } from "./machine-error.ts";
import { defaultPoolLimits, MachineSessions, type MachineDoor, type PoolLimits } from "./machine-sessions.ts";
import { serveCommand } from "./serve-command.ts";
import { defaultSessionTimings, ServeSession, type SessionTimings } from "./serve-session.ts";

export interface MachinePoolOptions {
  /** @param path as the machine's spec names it; null when it names none */
  readonly readIdentity: (path: string | null) => Promise<Identity>;
  /** Socket of an ssh-agent. It serves identities that can't be used without it, too. @default none */
  readonly agent?: string | undefined;
  readonly limits?: PoolLimits;
  readonly sshTimings?: SshTimings;
  readonly sessionTimings?: SessionTimings;
}

/** A session that one attempt has for itself. Disposing of it gives it back. */
export interface Lease extends Disposable {
  readonly session: ServeSession;
  /** What is on its way to this machine, in all its sessions. */
  readonly transfers: InputTransfers;
}

interface PooledMachine {
  /** What the connections depend on; another value means other connections. */
  readonly key: string;
  readonly sessions: MachineSessions;
  readonly transfers: InputTransfers;
}

/** Warm connections and sessions to all machines. */
export class MachinePool implements AsyncDisposable {
  readonly #options: MachinePoolOptions;
  readonly #machines = new Map<string, PooledMachine>();

  constructor(options: MachinePoolOptions) {
    this.#options = options;
  }

  /**
   * @throws MachineError when the machine can't be reached, trusted, logged in to, or has no Nix; whatever
   *   `readIdentity` throws
   */
  async lease({ name, spec }: Pick<Machine, "name" | "spec">, signal?: AbortSignal): Promise<Lease> {
    try {
      return await this.#lease(this.#machine(name, spec), signal);
    } catch (error) {
      throw error instanceof DroverError ? MachineError.from(error) : error;
    }
  }

  /** For measurements and tests. */
  counts(name: string): MachineSessions["counts"] {
    return this.#machines.get(name)?.sessions.counts ?? { connections: 0, idle: 0, busy: 0 };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const machines = [...this.#machines.values()];
    this.#machines.clear();
    await Promise.all(machines.map(({ sessions }) => sessions.close()));
  }

  async #lease({ sessions, transfers }: PooledMachine, signal: AbortSignal | undefined): Promise<Lease> {
    const session = await sessions.take(signal);
    return {
      session,
      transfers,
      [Symbol.dispose]: () => {
        sessions.giveBack(session);
      },
    };
  }

  #machine(name: string, spec: Machine["spec"]): PooledMachine {
    const key = JSON.stringify([spec.uri, spec.sshKey, spec.hostKey]);
    const known = this.#machines.get(name);
    if (known?.key === key) return known;
    known?.sessions.retire();
    const door = this.#door(name, machineConnection(spec));
    const limits = this.#options.limits ?? defaultPoolLimits;
    const machine = { key, sessions: new MachineSessions(door, limits), transfers: new InputTransfers() };
    this.#machines.set(name, machine);
    return machine;
  }

  #door(machine: string, spec: MachineConnection): MachineDoor {
    const { sshTimings = defaultSshTimings, sessionTimings = defaultSessionTimings } = this.#options;
    const { readIdentity, agent } = this.#options;
    const { host, port } = spec.address;
    // As ssh does: who runs the client is who logs in.
    const user = spec.address.user ?? userInfo().username;
    const place = { machine, user, command: serveCommand(spec) };
    return {
      machine,
      connect: async (signal) => {
        const hostKey = spec.hostKey === null ? null : decodeHostKey(spec.hostKey);
        const identity = await readIdentity(spec.sshKey).catch((error: unknown) => {
          if (agent === undefined || !(error instanceof DroverError)) throw error;
          if (error.code === "DROVER_IDENTITY_LOCKED" || spec.sshKey === null) return null;
          throw error;
        });
        const target = { machine, host, port, user, identity, agent, hostKey, compress: spec.compress };
        return await connectSsh(target, { timings: sshTimings, signal });
      },
      openSession: (connection, signal) =>
        ServeSession.open(connection, place, { timings: sessionTimings, ...(signal !== undefined && { signal }) }),
    };
  }
}
