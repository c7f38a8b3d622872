import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { requestedInspection } from "../../lambdas/api/schema/inspections.ts";
import { newToken } from "../../lambdas/api/schema/tokens.ts";
import type { SecretsManagerServer } from "../cloud/secrets/secrets-manager-server.ts";
import { runCommand } from "../machines/run-command.ts";
import { expectStep, nameOf, request, run } from "./commands.ts";
import { environmentOf, sendNonsense, sweepCrashes } from "./crashes.ts";
import type { Stack } from "./stack.ts";

/**
 * Does each thing that can be done with a deployment, with no more asserted than that it works: what else there is to
 * say of it, the other end-to-end tests say.
 */
export async function useEverything(stack: Stack, secrets: SecretsManagerServer["secrets"]): Promise<void> {
  const environment = await environmentOf(stack);
  await giveSecrets(stack, secrets);
  await register(stack);
  await manageTokens(stack);
  const stuck = await stack.submit(await stack.instantiate("feature", { features: "nobody-has-it" }));
  const [, built] = await Promise.all([sendNonsense(environment), buildAll(stack)]);
  await readAll(stack, built, stuck);
  await recover(stack);
  await sweepCrashes(stack, environment, built);
  await unregister(stack);
}

/** The deployment's own, which its Secrets Manager lacks; machines' lines name the fleet's. */
async function giveSecrets({ directory, fleet }: Stack, secrets: SecretsManagerServer["secrets"]): Promise<void> {
  const own = join(directory, "service", "data", "secrets");
  const identity = await readFile(fleet.identityFile, "utf8");
  secrets.set("drover/signing-key", await readFile(join(own, "signing-key"), "utf8"));
  secrets.set("drover/ssh-identity", identity);
  secrets.set(`drover/ssh-identities${fleet.identityFile}`, identity);
}

/** One machine that has to be trusted first, and one with the deployment's own identity. */
function lines({ fleet }: Stack): string {
  const fields = (name: string) => fleet.machine(name).specLine().split(" ");
  return `${fields("itchy").with(7, "-").join(" ")}\n${fields("scratchy").with(2, "-").join(" ")}\n`;
}

async function register(stack: Stack): Promise<void> {
  await run(stack, ["machines", "import", "-"], lines(stack));
  await run(stack, ["machines", "drain", nameOf(stack, "scratchy")]);
  // Followed before it runs, so that its log goes out while it does.
  const followed = await stack.submit(await stack.instantiate("slow", { seconds: 3 }));
  await request(stack, `/v1/builds/${followed}/changes`);
  const { stdout } = await runCommand("ssh-keygen", ["-lf", stack.fleet.machine("itchy").hostKeyFile]);
  const fingerprint = /SHA256:\S+/.exec(stdout)?.[0] ?? "";
  await run(stack, ["machines", "trust", nameOf(stack, "itchy"), "--fingerprint", fingerprint]);
  await request(stack, `/v1/steps/${await expectStep(stack, followed, "assigned")}/log`);
  await run(stack, ["machines", "ping", nameOf(stack, "scratchy")]);
  await run(stack, ["machines", "enable", nameOf(stack, "scratchy")]);
  for (const path of ["machines", `machines/${encodeURIComponent(nameOf(stack, "itchy"))}`, "keys"]) {
    await request(stack, `/v1/${path}`);
  }
  await stack.finished(followed);
}

async function manageTokens(stack: Stack): Promise<void> {
  const body = { name: "ci", scopes: ["build:read"], expiresInDays: 1 };
  const { id } = newToken.parse(await request(stack, "/v1/tokens", { method: "POST", body }));
  await request(stack, "/v1/tokens");
  await request(stack, `/v1/tokens/${id}`, { method: "DELETE" });
}

/** @returns derivations that are built, the first of which has a log */
async function buildAll(stack: Stack): Promise<readonly string[]> {
  const failed = await stack.submit(await stack.instantiate("needsFailing"), ["--keep-going"]);
  const shared = await stack.instantiate("slow", { seconds: 2 });
  const sharing = [await stack.submit(shared), await stack.submit(shared)];
  const attributes = ["slow", "diamond", "upload", "multipleOutputs", "fixedOutput"] as const;
  const drvPaths = await Promise.all(attributes.map((attribute) => stack.instantiate(attribute, { seconds: 4 })));
  // More than one part of an upload.
  const all = [...drvPaths.flat(), ...(await stack.instantiate("big", { megabytes: 20 }))];
  await run(stack, ["build", ...all]);
  await Promise.all([failed, ...sharing].map((id) => stack.finished(id)));
  // All of it is there already.
  await run(stack, ["build", ...all]);
  return all;
}

async function readAll(stack: Stack, [drvPath = "", ...others]: readonly string[], stuck: string): Promise<void> {
  const hash = (path: string) => path.slice("/nix/store/".length).slice(0, 32);
  const waiting = (await stack.steps(stuck))[0]?.step ?? "";
  const step = hash(drvPath);
  for (const path of [
    "/v1/builds",
    `/v1/builds/${stuck}`,
    `/v1/steps/${waiting}`,
    `/v1/steps/${step}`,
    `/v1/steps/${step}/log`,
  ]) {
    await request(stack, path);
  }
  await request(stack, "/cache/nix-cache-info");
  await request(stack, `/cache/log/${drvPath.slice("/nix/store/".length)}`);
  const narInfo = String(await request(stack, `/cache/${hash(others[0] ?? "")}.narinfo`));
  await request(stack, `/cache/${/^URL: (.*)$/m.exec(narInfo)?.[1] ?? ""}`);
  await request(stack, `/cache/${hash(drvPath)}.narinfo`, { method: "HEAD" });
  for (const missing of [`${"0".repeat(32)}.narinfo`, `log/${"0".repeat(32)}-x.drv`]) {
    const { status } = await stack.deployment.api(`/cache/${missing}`);
    if (status !== 404) throw new Error(`${missing} is there: ${status}`);
  }
}

/** A machine loses its power with a step on it, is looked at again when it is back, and a runner is told to stop. */
async function recover(stack: Stack): Promise<void> {
  await run(stack, ["machines", "drain", nameOf(stack, "scratchy")]);
  const dying = await stack.submit(await stack.instantiate("slow", { seconds: 5 }));
  await expectStep(stack, dying, "assigned");
  await stack.fleet.machine("itchy").powerOff();
  await run(stack, ["machines", "enable", nameOf(stack, "scratchy")]);
  await stack.finished(dying);
  await stack.fleet.machine("itchy").powerOn();
  const stopped = await stack.submit(await stack.instantiate("slow", { seconds: 6 }));
  await expectStep(stack, stopped, "assigned");
  const runner = await stack.deployment.runnerPid();
  process.kill(runner, "SIGTERM");
  // A second one makes it give back what it does at once.
  await new Promise((resolve) => setTimeout(resolve, 500));
  process.kill(runner, "SIGTERM");
  await stack.finished(stopped);
}

async function unregister(stack: Stack): Promise<void> {
  const path = `/v1/machines/${encodeURIComponent(nameOf(stack, "itchy"))}/inspections`;
  const { id } = requestedInspection.parse(await request(stack, path, { method: "POST" }));
  await request(stack, `${path}/${id}?wait=20`);
  const [itchy = ""] = lines(stack).split("\n");
  await run(stack, ["machines", "import", "-", "--prune"], itchy);
  await run(stack, ["machines", "remove", nameOf(stack, "itchy"), "--force"]);
}
