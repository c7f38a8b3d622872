import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { buildList, buildStepList } from "../lambdas/api/schema/builds.ts";
import { DroverError } from "../nix/drover-error.ts";
import { bootMachines } from "../test/machines/boot-machines.ts";
import { createClient } from "../test/machines/client.ts";
import { findLeftovers } from "../test/machines/leftovers.ts";
import { type CommandOptions, run, runDrover, startService } from "./command.ts";
import { Stage } from "./stage.ts";

/** Ctrl-C and its kin end the demo in order: whatever was started is stopped in reverse. */
const interruption = new AbortController();
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => interruption.abort());

try {
  await play(interruption.signal);
} catch (error) {
  if (interruption.signal.aborted) {
    console.error("\ninterrupted; everything is stopped");
    process.exitCode = 130;
  } else {
    console.error(
      error instanceof DroverError ? `error: ${error.message}. ${error.remedy ?? ""} (${error.code})` : error,
    );
    process.exitCode = 1;
  }
}

async function play(signal: AbortSignal): Promise<void> {
  const stage = new Stage();
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "drover-demo-"));
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  const client = await createClient({ directory: join(directory, "client") });
  const environment = { ...client.environment, XDG_CONFIG_HOME: join(directory, "config"), ...terminal() };
  const options = { environment, signal };

  const service = await stage.act("Start Drover: tables, queues, API and runner on this machine", async () => {
    const started = stack.use(await startService(join(directory, "drover"), environment));
    stage.say(`drover up: ready at ${started.url}`);
    return started;
  });
  signal.throwIfAborted();

  const fleet = await stage.act("Boot three machines, each with its own sshd, host key and Nix store", async () => {
    const machines = [
      { name: "itchy", systems: ["x86_64-linux", "i686-linux"], maxJobs: 2, speedFactor: 2 },
      {
        name: "scratchy",
        systems: ["x86_64-linux", "aarch64-linux"],
        maxJobs: 3,
        speedFactor: 1,
        supportedFeatures: ["kvm", "benchmark"],
      },
      {
        name: "poochie",
        systems: ["x86_64-linux"],
        maxJobs: 1,
        speedFactor: 2,
        supportedFeatures: ["kvm"],
        mandatoryFeatures: ["benchmark"],
      },
    ];
    const booted = stack.use(await bootMachines({ directory: join(directory, "machines"), machines }));
    for (const machine of booted.machines) stage.say(`${machine.name.padEnd(9)} ${machine.uri}`);
    return booted;
  });
  signal.throwIfAborted();

  await stage.act("Import their lines, as they stand in /etc/nix/machines", async () => {
    const lines = fleet.machines.map((machine) => `# ${machine.name}\n${machine.specLine()}\n`).join("");
    stage.say(lines);
    await runDrover(["machines", "import", "-"], { ...options, input: lines });
  });

  const graph = [fileURLToPath(new URL("graph.nix", import.meta.url)), "--argstr", "salt", String(Date.now())];
  const outputs = await stage.act(
    "Build twelve derivations: a diamond, a chain, one for benchmark machines, one for aarch64-linux",
    async () => (await runDrover(["build", ...graph, "-A", "everything"], options, "captured")).trim().split("\n"),
  );

  await stage.act("Ask why a step was built where it was", async () => {
    for (const step of await stepsNamed(["measured", "foreign"], options)) await runDrover(["why", step], options);
  });

  await stage.act("Build again, and cut a machine's power in the middle of it", async () => {
    const build = runDrover(["build", ...graph, "-A", "naps"], options, "captured");
    const powerCut = sleep(2_500, undefined, { signal }).then(() => fleet.machine("itchy").powerOff());
    await Promise.all([build, powerCut]);
  });

  await stage.act("Fetch the result from Drover's binary cache with real Nix, its signature checked", async () => {
    const publicKey = (await readFile(join(directory, "drover", "public-key"), "utf8")).trim();
    const netrc = join(directory, "drover", "netrc");
    const [output = ""] = outputs;
    const settings = ["--option", "trusted-public-keys", publicKey, "--option", "netrc-file", netrc];
    await run("nix", ["copy", "--from", `${service.url}/cache`, ...settings, ...outputs], options);
    stage.say(`${output} (signed by ${publicKey.split(":")[0]}):`);
    stage.say(await readFile(client.realPath(output), "utf8"));
  });

  await stage.act("Stop and remove everything", () => stack.disposeAsync());
  const leftovers = await findLeftovers();
  if (leftovers.length > 0) throw new DroverError("DROVER_DEMO", `left behind: ${leftovers.join(", ")}`);
  stage.printDurations();
}

/** Ids of steps of the newest build. */
async function stepsNamed(names: readonly string[], options: CommandOptions): Promise<string[]> {
  const read = async (...args: string[]) => JSON.parse(await runDrover([...args, "--json"], options, "captured"));
  const { builds } = buildList.parse(await read("builds", "list"));
  const { steps } = buildStepList.parse(await read("builds", "show", builds[0]?.id ?? ""));
  return steps.filter(({ name }) => names.includes(name)).map(({ step }) => step);
}

/** What programs need to know of the terminal, and nothing else of this process's environment. */
function terminal(): Record<string, string> {
  const names = ["TERM", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "LANG", "CI"];
  return Object.fromEntries(
    names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}
