import { DroverError } from "../../nix/drover-error.ts";
import type { SshConnection } from "../ssh/connection.ts";
import { unlessAborted } from "../unless-aborted.ts";
import { MachineLink } from "./machine-link.ts";
import type { ServeSession } from "./serve-session.ts";

export interface PoolLimits {
  /** Sessions in one connection, until the machine turns out to allow fewer. sshd's own default. @default 10 */
  readonly sessionsPerConnection: number;
  /** Milliseconds after which a session, and a connection without sessions, that nobody uses is closed. @default 300_000 */
  readonly idle: number;
  /**
   * Milliseconds after which a session is not used again: what it has locked against the machine's garbage collector
   * stays locked as long as it lives. @default 3_600_000
   */
  readonly age: number;
}

export const defaultPoolLimits: PoolLimits = { sessionsPerConnection: 10, idle: 300_000, age: 3_600_000 };

/** How to get to a machine under one spec. */
export interface MachineDoor {
  readonly machine: string;
  connect(signal: AbortSignal): Promise<SshConnection>;
  openSession(connection: SshConnection, signal: AbortSignal | undefined): Promise<ServeSession>;
}

interface IdleSession {
  readonly session: ServeSession;
  readonly timer: NodeJS.Timeout;
}

/** The sessions of one machine, under one spec: those that work, those that wait, and the connections they are on. */
export class MachineSessions {
  readonly #door: MachineDoor;
  readonly #limits: PoolLimits;
  #sessionsPerConnection: number;
  #links: MachineLink[] = [];
  /** The one that was used last is at the end and is used first, so that those too many grow old. */
  readonly #idle: IdleSession[] = [];
  #isRetired = false;
  #busy = 0;

  constructor(door: MachineDoor, limits: PoolLimits) {
    this.#door = door;
    this.#limits = limits;
    this.#sessionsPerConnection = limits.sessionsPerConnection;
  }

  /** How many sessions sshd is believed to allow in one connection. */
  get sessionsPerConnection(): number {
    return this.#sessionsPerConnection;
  }

  get counts(): { readonly connections: number; readonly idle: number; readonly busy: number } {
    return { connections: this.#liveLinks().length, idle: this.#idle.length, busy: this.#busy };
  }

  /**
   * A session for one build: a warm one if there is one, else a new one where there is room, else on a new connection.
   * To be given back.
   */
  async take(signal?: AbortSignal): Promise<ServeSession> {
    signal?.throwIfAborted();
    this.#busy += 1;
    try {
      return this.#takeIdle() ?? (await this.#open(signal));
    } catch (error) {
      this.#busy -= 1;
      throw error;
    }
  }

  giveBack(session: ServeSession): void {
    this.#busy -= 1;
    const tooOld = performance.now() - session.openedAt > this.#limits.age;
    if (session.isUsable && !tooOld && !this.#isRetired) this.#keep(session);
    else session.discard();
    if (this.#isRetired && this.#busy === 0) void this.close();
  }

  /** Takes up nothing new; ends when the last session is given back. */
  retire(): void {
    this.#isRetired = true;
    this.#discardIdle();
    if (this.#busy === 0) void this.close();
  }

  /** Ends all connections at once. */
  async close(): Promise<void> {
    this.#isRetired = true;
    this.#discardIdle();
    const links = this.#links;
    this.#links = [];
    await Promise.all(links.map((link) => link.close()));
  }

  async #open(signal: AbortSignal | undefined): Promise<ServeSession> {
    for (;;) {
      const link = this.#linkWithRoom();
      link.enter();
      try {
        const connection = await (signal === undefined ? link.connection : unlessAborted(link.connection, signal));
        const session = await this.#door.openSession(connection, signal);
        void link.leaveAfter(session.ended);
        return session;
      } catch (error) {
        link.leave();
        const isFull = error instanceof DroverError && error.code === "DROVER_SSH_SESSION_REFUSED";
        if (!isFull || link.sessions === 0) throw error;
        this.#sessionsPerConnection = Math.min(this.#sessionsPerConnection, link.sessions);
      }
    }
  }

  #linkWithRoom(): MachineLink {
    this.#links = this.#liveLinks();
    const existing = this.#links.find(({ sessions }) => sessions < this.#sessionsPerConnection);
    if (existing !== undefined) return existing;
    const link = new MachineLink((signal) => this.#door.connect(signal), this.#limits.idle);
    this.#links.push(link);
    return link;
  }

  #liveLinks(): MachineLink[] {
    return this.#links.filter(({ isOver }) => !isOver);
  }

  #takeIdle(): ServeSession | undefined {
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      clearTimeout(idle.timer);
      if (idle.session.isUsable) return idle.session;
    }
    return undefined;
  }

  #keep(session: ServeSession): void {
    const timer = setTimeout(() => {
      const at = this.#idle.findIndex((idle) => idle.session === session);
      if (at >= 0) this.#idle.splice(at, 1);
      session.discard();
    }, this.#limits.idle);
    this.#idle.push({ session, timer: timer.unref() });
  }

  #discardIdle(): void {
    for (const { session, timer } of this.#idle.splice(0)) {
      clearTimeout(timer);
      session.discard();
    }
  }
}
