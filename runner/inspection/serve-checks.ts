import { setTimeout as delay } from "node:timers/promises";
import { DroverError } from "../../nix/drover-error.ts";
import { isBuildSuccess } from "../../nix/serve/build-status.ts";
import { formatServeVersion } from "../../nix/serve/version.ts";
import { stripAnsi } from "../../nix/ansi.ts";
import { STORE_DIRECTORY } from "../../nix/store-path.ts";
import { type SessionPlace, ServeSession } from "../machines/serve-session.ts";
import { findSymptom } from "../machines/symptoms.ts";
import type { SshConnection } from "../ssh/connection.ts";
import { orFailed } from "./reach.ts";
import type { InspectionRows } from "./rows.ts";
import { trialDerivation, trialPath, trialUpload } from "./trial-path.ts";

/** Milliseconds. */
const patience = { greeting: 8_000, exit: 1_000, discard: 1_000, answers: 6_000 };

const roundTrips = 5;

/**
 * The rows that the serve protocol can tell: `nix-store`, `protocol`, `store-directory`, `trusted-user` and
 * `round-trip`. They need no more than the command that builds use, so they work with a key that is restricted to it.
 */
export async function askNix(
  connection: SshConnection,
  place: SessionPlace,
  rows: InspectionRows,
  signal: AbortSignal,
): Promise<void> {
  const session = await open(connection, place, rows, signal);
  if (session === undefined) return;
  const limit = AbortSignal.timeout(patience.answers);
  try {
    await converse(session, rows, AbortSignal.any([signal, limit]));
  } catch (error) {
    signal.throwIfAborted();
    if (!limit.aborted) throw error;
    const open = (["store-directory", "trusted-user"] as const).filter((row) => rows.outcomeOf(row) === undefined);
    rows.notChecked(open, `no answer within ${patience.answers / 1000} s`);
  } finally {
    session.discard();
    // sshd may allow one session at a time.
    await Promise.race([session.ended, delay(patience.discard, undefined, { ref: false })]);
  }
}

/** What is no Nix, does not answer or says something else first fails as `nix-store`; what is too old, as `protocol`. */
async function open(
  connection: SshConnection,
  place: SessionPlace,
  rows: InspectionRows,
  signal: AbortSignal,
): Promise<ServeSession | undefined> {
  try {
    const session = await ServeSession.open(connection, place, { timings: patience, signal });
    const version = await session.talk(async (nix) => nix.serverVersion);
    rows.passed("nix-store", "answers");
    rows.passed("protocol", `serve protocol ${formatServeVersion(version)}`);
    return session;
  } catch (error) {
    if (!(error instanceof DroverError)) throw error;
    const isOld = error.code === "DROVER_SERVE_VERSION";
    if (isOld) rows.passed("nix-store", "answers");
    rows.failedBy(isOld ? "protocol" : "nix-store", error);
    return undefined;
  }
}

async function converse(session: ServeSession, rows: InspectionRows, signal: AbortSignal): Promise<void> {
  const options = { lock: false, substitute: false, signal };
  // A nix-store that can not reach its daemon, say, greets all the same.
  const time = await orFailed("nix-store", rows, () => medianRoundTrip(session, signal));
  if (time === undefined) return;
  rows.passed("round-trip", `${time < 10 ? time.toFixed(1) : Math.round(time)} ms`);
  const directory = await orFailed("store-directory", rows, () =>
    session.talk((nix) => nix.queryValidPaths([trialPath], options)),
  );
  if (directory === undefined) return;
  rows.passed("store-directory", STORE_DIRECTORY);
  await tryInput(session, rows, signal);
}

/**
 * The row `trusted-user`: an input for a build is sent, as the runner sends all, without a signature and addressed by
 * its derivation, which a daemon takes from users only that it trusts. Where it takes that from everybody
 * (`require-sigs = false`), it still does not build for everybody, so it is asked to; the output being valid, nothing
 * has to be done for it.
 *
 * Sending needs protocol 2.5 (Nix 2.3); who speaks less has failed as `protocol`.
 */
async function tryInput(session: ServeSession, rows: InspectionRows, signal: AbortSignal): Promise<void> {
  const options = { maxSilentTime: 5, buildTimeout: 5, maxLogSize: 0, keepFailed: false };
  const { path, basic } = trialDerivation;
  try {
    const result = await session.talk(async (nix) => {
      const { info, nar } = trialUpload();
      await nix.addToStoreNar(info, nar, { signal });
      return await nix.buildDerivation(path, basic, options, { signal });
    });
    if (isBuildSuccess(result.status)) rows.passed("trusted-user", "takes inputs without a signature, and builds");
    else refused(rows, stripAnsi(result.errorMessage));
  } catch (error) {
    if (!(error instanceof DroverError)) throw error;
    if (!error.code.startsWith("DROVER_DISK_")) rows.failedBy("trusted-user", error);
    else {
      rows.failedBy("free-disk", error);
      rows.notChecked(["trusted-user"], "the disk has no room for an input");
    }
  }
}

function refused(rows: InspectionRows, message: string): void {
  const symptom = findSymptom(message);
  const remedy = symptom?.describe("the machine", "the user").remedy ?? "Try a build on the machine itself.";
  rows.failed("trusted-user", {
    code: symptom?.code ?? "DROVER_BUILD_FAULT",
    found: `does not build: ${message}`,
    remedy,
  });
}

/** Milliseconds, of a question that costs the machine next to nothing. */
async function medianRoundTrip(session: ServeSession, signal: AbortSignal): Promise<number> {
  const options = { lock: false, substitute: false, signal };
  const times: number[] = [];
  // The first one has the store opened.
  for (let count = 0; count <= roundTrips; count += 1) {
    const started = performance.now();
    await session.talk((nix) => nix.queryValidPaths([], options));
    if (count > 0) times.push(performance.now() - started);
  }
  return times.toSorted((a, b) => a - b)[Math.floor(roundTrips / 2)] ?? 0;
}
