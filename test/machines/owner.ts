import { once } from "node:events";
import { bootMachines } from "./boot-machines.ts";

/**
 * A program that owns a fleet, for tests of how owners end: `node owner.ts DIRECTORY MODE [throw]`. Prints one line of
 * JSON when its two machines are up, then throws, or waits to be killed, at the latest until its standard input ends: an
 * owner does not outlive the test that started it.
 */
const [directory = "", mode = "", ending] = process.argv.slice(2);

await using fleet = await bootMachines({
  directory,
  mode: mode === "processes" ? "processes" : "namespaces",
  machines: [{ name: "itchy", maxJobs: 2, sandbox: true }, { name: "scratchy" }],
});
const machines = await Promise.all(
  fleet.machines.map(async (machine) => ({
    name: machine.name,
    specLine: machine.specLine(),
    port: machine.port,
    sshArguments: await machine.sshArguments(),
  })),
);
console.log(JSON.stringify({ fleetName: fleet.name, machines }));
if (ending === "throw") throw new Error("the owner fails");
await once(process.stdin.resume(), "end");
