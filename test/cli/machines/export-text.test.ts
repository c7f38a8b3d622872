import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { machinesFile } from "../../../cli/machines/export-text.ts";
import type { Machine } from "../../../lambdas/api/schema/machines.ts";
import { encodeHostKeys } from "../../../nix/machine-spec/host-key.ts";
import { parseMachines } from "../../../nix/machine-spec/parse.ts";
import { printSshUri } from "../../../nix/machine-spec/uri.ts";
import { addresses, hostKeys } from "../../nix/machine-spec/arbitrary.ts";
import { machine } from "../views.ts";

const words = fc.uniqueArray(fc.stringMatching(/^[a-z0-9_.+-]{1,8}$/), { maxLength: 3 }).map((list) => list.toSorted());
const offers = fc.record({
  systems: fc
    .uniqueArray(fc.stringMatching(/^[a-z0-9_]{1,8}-[a-z]{1,8}$/), { maxLength: 3 })
    .map((list) => list.toSorted()),
  maxJobs: fc.nat(),
  speedFactor: fc.double({ min: 1e-6, max: 1e6, noNaN: true }),
  supportedFeatures: words,
  mandatoryFeatures: words,
});
const anyText = fc.string({ unit: "binary", minLength: 1 });
const routes = fc.record({
  host: anyText,
  port: fc.integer({ min: 1, max: 65_535 }),
  user: fc.option(anyText),
  identityFile: fc.option(anyText),
  identityAgent: fc.option(anyText),
  jumps: fc.constant<never[]>([]),
});
const machines: fc.Arbitrary<Machine> = fc
  .record({
    uri: addresses.map(printSshUri),
    offer: offers,
    alternatives: fc.array(offers, { maxLength: 2 }),
    hostKey: fc.option(fc.array(hostKeys, { minLength: 1, maxLength: 2 }).map((keys) => encodeHostKeys(keys, "h"))),
    sshKey: fc.option(fc.stringMatching(/^\/[!-"$-:<-~]{0,10}$/)),
    route: fc.option(routes),
    position: fc.nat(),
  })
  .map(({ offer, ...more }) => machine("m", { ...offer, ...more }));

describe("machinesFile()", () => {
  it("writes what Nix reads to the same machines, in their order", () => {
    fc.assert(
      fc.property(fc.array(machines, { maxLength: 4 }), (fleet) => {
        const { machines: read, errors } = parseMachines(machinesFile(fleet), { defaultSystem: "none" });
        expect(errors).toEqual([]);
        const expected = fleet
          .toSorted((one, other) => one.position - other.position)
          .flatMap(({ uri, sshKey, hostKey, alternatives, ...first }) =>
            [first, ...alternatives].map(({ systems, maxJobs, speedFactor, supportedFeatures, mandatoryFeatures }) => ({
              uri,
              systems,
              sshKey,
              maxJobs,
              speedFactor,
              supportedFeatures,
              mandatoryFeatures,
              hostKey,
            })),
          );
        expect(read).toEqual(expected);
      }),
    );
  });

  it("writes in comments nothing that an older Nix takes for a machine", () => {
    fc.assert(
      fc.property(machines, (one) => {
        const comments = machinesFile([one])
          .split("\n")
          .filter((line) => line.startsWith("#"));
        expect(comments.join("")).not.toContain(";");
        expect(comments).toHaveLength(one.route === null ? 0 : 1);
      }),
    );
  });

  it("says above a line what only the ssh_config can say", () => {
    const jump = { host: "gate", port: 2222, user: "ann", identityFile: null, hostKey: "AAAA" };
    const route = { host: "::1", port: 22, user: "nix", identityFile: "/key", identityAgent: "/agent", jumps: [jump] };
    expect(machinesFile([machine("mac", { route })])).toBe(
      "# mac is reached as nix@[::1] with /key with the agent at /agent through ann@gate:2222\n" +
        "ssh://mac x86_64-linux,i686-linux - 4 1.5 kvm - c3NoLWVkMjU1MTkg\n",
    );
  });
});
