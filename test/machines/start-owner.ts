import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import * as z from "zod";
import type { FleetMode } from "./machine-options.ts";

const announcementSchema = z.object({
  fleetName: z.string(),
  machines: z.array(
    z.object({ name: z.string(), specLine: z.string(), port: z.number(), sshArguments: z.array(z.string()) }),
  ),
});

/** A process that runs owner.ts and has machines up. Disposing of it lets it end by itself, and waits for that. */
export type Owner = z.infer<typeof announcementSchema> & AsyncDisposable & { readonly process: ChildProcess };

const project = join(import.meta.dirname, "../..");

/** Starts an owner as the user of this process. */
export function startOwner(directory: string, mode: FleetMode, ending = ""): Promise<Owner> {
  return announced(spawn(process.execPath, ["test/machines/owner.ts", directory, mode, ending], { cwd: project }));
}

/**
 * Starts an owner as another user; only root can. The project may lie in a folder that is closed to that user, so it
 * is shown to him as `mountPoint`, in a mount namespace of his own.
 */
export function startOwnerAs(user: string, mountPoint: string, directory: string, mode: FleetMode): Promise<Owner> {
  const script = `mount --bind ${project} ${mountPoint} && cd ${mountPoint} &&
    exec setpriv --reuid ${user} --regid ${user} --clear-groups env HOME=/nonexistent \
      node_modules/.bin/node test/machines/owner.ts ${directory} ${mode}`;
  return announced(spawn("unshare", ["--mount", "sh", "-c", script]));
}

async function announced(child: ChildProcessWithoutNullStreams): Promise<Owner> {
  const complaints = text(child.stderr);
  const [line] = await Promise.race([
    once(createInterface({ input: child.stdout }), "line"),
    once(child, "exit").then(async ([code, signal]) => {
      throw new Error(`the owner ended with ${code ?? signal} before its machines were up: ${await complaints}`);
    }),
  ]);
  return {
    ...announcementSchema.parse(JSON.parse(String(line))),
    process: child,
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    },
  };
}
