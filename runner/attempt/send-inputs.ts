import type { NarInfo } from "../../nix/narinfo.ts";
import type { NewPath } from "../../nix/serve/add-to-store.ts";
import type { StorePath } from "../../nix/store-path.ts";
import { DroverError } from "../../nix/drover-error.ts";
import type { Undertaking } from "../machines/input-transfers.ts";
import type { Lease } from "../machines/machine-pool.ts";
import type { KnownPaths } from "./known-paths.ts";
import { missingInput, refusalOf } from "./refusal.ts";

export interface InputDelivery {
  readonly lease: Lease;
  readonly known: KnownPaths;
  readonly drvPath: StorePath;
  /** Whether the machine may fetch from its own substituters (Nix's `builders-use-substitutes`). */
  readonly substitute: boolean;
  readonly signal: AbortSignal;
}

/**
 * Sees to it that a machine has these paths, and that its garbage collector leaves them alone while the session lives:
 * what is valid there is used, what it can substitute it fetches, and the rest is streamed from the caches.
 *
 * @param closure in `sendingOrder`
 * @throws {MachineError}
 * @throws {Refusal} DROVER_INPUT_MISSING, DROVER_NAR_HASH, DROVER_NAR_SIZE
 */
export async function deliverInputs(closure: readonly NarInfo[], delivery: InputDelivery): Promise<void> {
  if (closure.length === 0) return;
  let missing = await invalidOf(closure, delivery, false);
  if (missing.length > 0 && delivery.substitute) missing = await invalidOf(missing, delivery, true);
  while (missing.length > 0) missing = await sendWhatNobodySends(missing, delivery);
}

async function invalidOf(
  infos: readonly NarInfo[],
  { lease, signal }: InputDelivery,
  substitute: boolean,
): Promise<NarInfo[]> {
  const paths = infos.map(({ storePath }) => storePath);
  const valid = await lease.session.talk((nix) => nix.queryValidPaths(paths, { lock: true, substitute, signal }));
  return infos.filter(({ storePath }) => !valid.has(storePath));
}

/** @returns those that another attempt had undertaken to send and that did not arrive after all */
async function sendWhatNobodySends(missing: readonly NarInfo[], delivery: InputDelivery): Promise<NarInfo[]> {
  const { lease, signal } = delivery;
  const mine = new Map<StorePath, Undertaking>();
  for (const { storePath } of missing) {
    const undertaking = lease.transfers.undertake(storePath);
    if (undertaking !== undefined) mine.set(storePath, undertaking);
  }
  try {
    // Runs of paths without somebody else's between them are sent without waiting for each answer.
    let run: NarInfo[] = [];
    for (const info of missing) {
      if (mine.has(info.storePath)) {
        run.push(info);
        continue;
      }
      await send(run, mine, delivery);
      run = [];
      await lease.transfers.settled(info.storePath, signal);
    }
    await send(run, mine, delivery);
  } finally {
    for (const undertaking of mine.values()) undertaking.done();
  }
  const others = missing.filter(({ storePath }) => !mine.has(storePath));
  return others.length === 0 ? [] : await invalidOf(others, delivery, false);
}

async function send(
  run: readonly NarInfo[],
  mine: ReadonlyMap<StorePath, Undertaking>,
  { lease, known, drvPath, signal }: InputDelivery,
): Promise<void> {
  if (run.length === 0) return;
  const paths = run.map((info) => newPath(info, known.openNar(info, signal)));
  try {
    await lease.session.talk((nix) => nix.addMultipleToStore(paths, { signal }));
  } catch (error) {
    throw explain(error, drvPath);
  }
  for (const { storePath } of run) mine.get(storePath)?.done();
}

function newPath({ storePath, ...info }: NarInfo, nar: AsyncIterable<Uint8Array>): NewPath {
  const { narHash, narSize, references, signatures, deriver, ca } = info;
  return {
    info: {
      path: storePath,
      narHash,
      narSize,
      references,
      signatures,
      ...(deriver !== undefined && { deriver }),
      ...(ca !== undefined && { ca }),
    },
    nar,
  };
}

function explain(error: unknown, drvPath: StorePath): unknown {
  if (error instanceof DroverError && error.code === "DROVER_NAR_GONE") {
    return missingInput(error.subject ?? "an input", drvPath, error);
  }
  return refusalOf(error);
}
