import { DroverError } from "../../nix/drover-error.ts";
import { connectSsh } from "../ssh/connect.ts";
import { defaultSshTimings, type SshTimings } from "../ssh/target.ts";
import {
  type IdentityTools,
  jumpTargets,
  machineDestination,
  type MachineDestination,
  machineTarget,
  type ReachableMachine,
} from "./destination.ts";
import { InputTransfers } from "./input-transfers.ts";
import { MachineError } from "./machine-error.ts";
import { defaultPoolLimits, MachineSessions, type MachineDoor, type PoolLimits } from "./machine-sessions.ts";
import { serveCommand } from "./serve-command.ts";
import { defaultSessionTimings, ServeSession, type SessionTimings } from "./serve-session.ts";

export interface MachinePoolOptions extends IdentityTools {
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
  async lease(machine: ReachableMachine, signal?: AbortSignal): Promise<Lease> {
    try {
      return await this.#lease(this.#machine(machine), signal);
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

  #machine(machine: ReachableMachine): PooledMachine {
    const { name, spec, route } = machine;
    const key = JSON.stringify([spec.uri, spec.sshKey, spec.hostKey, route]);
    const known = this.#machines.get(name);
    if (known?.key === key) return known;
    known?.sessions.retire();
    const door = this.#door(machineDestination(machine));
    const limits = this.#options.limits ?? defaultPoolLimits;
    const pooled = { key, sessions: new MachineSessions(door, limits), transfers: new InputTransfers() };
    this.#machines.set(name, pooled);
    return pooled;
  }

  #door(destination: MachineDestination): MachineDoor {
    const { sshTimings = defaultSshTimings, sessionTimings = defaultSessionTimings } = this.#options;
    const { machine, user, connection } = destination;
    const place = { machine, user, command: serveCommand(connection) };
    return {
      machine,
      connect: async (signal) => {
        const target = await machineTarget(destination, this.#options);
        const jumps = await jumpTargets(destination, this.#options);
        return await connectSsh(target, { jumps, timings: sshTimings, signal });
      },
      openSession: (open, signal) =>
        ServeSession.open(open, place, { timings: sessionTimings, ...(signal !== undefined && { signal }) }),
    };
  }
}
