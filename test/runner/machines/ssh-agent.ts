import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { mustRun } from "../../machines/run-command.ts";

/** A real ssh-agent without keys, for as long as it is not disposed of. */
export async function startAgent(
  directory: string,
): Promise<
  AsyncDisposable & { readonly socket: string; add(identityFile: string, passphrase: string): Promise<void> }
> {
  const socket = join(directory, "agent");
  const agent = spawn("ssh-agent", ["-D", "-a", socket], { stdio: ["ignore", "pipe", "inherit"] });
  await once(agent.stdout, "data"); // it says where it listens once it does
  return {
    socket,
    async add(identityFile, passphrase) {
      const askpass = join(directory, "askpass");
      await writeFile(askpass, `#!/bin/sh\necho '${passphrase}'\n`);
      await chmod(askpass, 0o700);
      const env = {
        SSH_AUTH_SOCK: socket,
        SSH_ASKPASS: askpass,
        SSH_ASKPASS_REQUIRE: "force",
        PATH: process.env["PATH"],
      };
      await mustRun("ssh-add", [identityFile], { env });
    },
    async [Symbol.asyncDispose]() {
      agent.kill();
      await once(agent, "exit");
    },
  };
}
