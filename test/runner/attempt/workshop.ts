import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { NarSource } from "../../../cloud/ports/binary-cache.ts";
import type { AttemptOutcome } from "../../../fleet/attempt.ts";
import type { MachineSpec } from "../../../nix/machine-spec/types.ts";
import { type AttemptTools, defaultAttemptOptions, executeAttempt } from "../../../runner/attempt/execute-attempt.ts";
import { KnownPaths } from "../../../runner/attempt/known-paths.ts";
import { identitySource } from "../../../runner/machines/identity-source.ts";
import { MachinePool } from "../../../runner/machines/machine-pool.ts";
import { type Client, createClient, derivationsFile, type NixArguments } from "../../machines/client.ts";
import type { MachineOptions } from "../../machines/machine-options.ts";
import { bootForRunner, registered, secretsOf, type RunnerFleet } from "../boot.ts";
import { ClientStore, MemoryCache, MemoryLog, together } from "./stores.ts";

/** What a try of a derivation is made with where it differs from the usual. */
export interface Changes {
  /** @default the first */
  readonly machine?: string;
  readonly spec?: Partial<MachineSpec>;
  readonly sources?: NarSource;
  readonly tools?: Partial<AttemptTools>;
  readonly signal?: AbortSignal;
}

/** Real machines, a client with derivations for them, and a cache in memory. */
export class Workshop implements AsyncDisposable {
  readonly fleet: RunnerFleet;
  readonly client: Client;
  readonly pool: MachinePool;
  store: ClientStore;
  cache = new MemoryCache();
  log = new MemoryLog();

  private constructor(fleet: RunnerFleet, client: Client) {
    this.fleet = fleet;
    this.client = client;
    this.store = new ClientStore(client);
    this.pool = new MachinePool({ readIdentity: identitySource(secretsOf(fleet)) });
  }

  static async open(...machines: MachineOptions[]): Promise<Workshop> {
    const fleet = await bootForRunner(...machines);
    return new Workshop(fleet, await createClient({ directory: join(fleet.directory, "client") }));
  }

  /** Forgets what has been tried so far; machines, sessions and the client stay. */
  clear(): void {
    this.store = new ClientStore(this.client);
    this.cache = new MemoryCache();
    this.log = new MemoryLog();
  }

  /** The derivation of an attribute of the test fleet's file. Never built before, unless the arguments say a salt. */
  async instantiate(attribute: string, args: NixArguments = {}): Promise<string> {
    const salt = randomBytes(8).toString("hex");
    const [drvPath = ""] = await this.client.instantiate(derivationsFile, attribute, { salt, ...args });
    return drvPath;
  }

  /** The derivations that a text in Nix's language has, one a line. */
  async instantiateText(name: string, text: string): Promise<string> {
    const file = join(this.fleet.directory, `${name}.nix`);
    await writeFile(file, text);
    return (await this.client.mustRun("nix-instantiate", [file])).trim();
  }

  async attempt(drvPath: string, changes: Changes = {}): Promise<AttemptOutcome> {
    const { machine = this.fleet.machines[0]?.name ?? "", spec, sources, tools, signal } = changes;
    const known = new KnownPaths(sources ?? together(this.cache, this.store));
    const task = { drvPath, machine: registered(this.fleet.machine(machine), spec), log: this.log };
    return await executeAttempt(
      task,
      { pool: this.pool, known, cache: this.cache, options: defaultAttemptOptions, ...tools },
      signal ?? new AbortController().signal,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pool[Symbol.asyncDispose]();
    await this.fleet[Symbol.asyncDispose]();
  }
}
