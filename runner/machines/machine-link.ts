import type { SshConnection } from "../ssh/connection.ts";

/** One SSH connection of a machine, from the moment it is wanted, and how many sessions are on it or on their way. */
export class MachineLink {
  readonly connection: Promise<SshConnection>;
  readonly #idleLimit: number;
  readonly #abandon = new AbortController();
  #sessions = 0;
  #isOver = false;
  #idleTimer: NodeJS.Timeout | undefined;

  constructor(connect: (signal: AbortSignal) => Promise<SshConnection>, idleLimit: number) {
    this.connection = connect(this.#abandon.signal);
    this.#idleLimit = idleLimit;
    void this.#watch();
  }

  get sessions(): number {
    return this.#sessions;
  }

  /** Whether it failed, was lost or has been closed. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Takes the place of one session. */
  enter(): void {
    clearTimeout(this.#idleTimer);
    this.#sessions += 1;
  }

  /** Gives it back; a link that is empty for long is closed. */
  leave(): void {
    this.#sessions -= 1;
    if (this.#sessions > 0 || this.#isOver) return;
    this.#idleTimer = setTimeout(() => void this.close(), this.#idleLimit).unref();
  }

  /** Gives it back when the session has ended. */
  async leaveAfter(ended: Promise<void>): Promise<void> {
    await ended;
    this.leave();
  }

  async close(): Promise<void> {
    this.#over();
    this.#abandon.abort();
    const connection = await this.connection.catch(() => undefined);
    await connection?.close();
  }

  async #watch(): Promise<void> {
    const connection = await this.connection.catch(() => undefined);
    await connection?.ended;
    this.#over();
  }

  #over(): void {
    this.#isOver = true;
    clearTimeout(this.#idleTimer);
  }
}
