import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ownersLines } from "../../../cli/machines/owners-lines.ts";
import { machineName } from "../../../nix/machine-spec/machine-name.ts";
import { printSshUri } from "../../../nix/machine-spec/uri.ts";
import { addresses } from "../../nix/machine-spec/arbitrary.ts";

describe("ownersLines()", () => {
  it("names machines as the service does, which looks routes up by these names", () => {
    fc.assert(
      fc.property(addresses, (address) => {
        const uri = printSshUri(address);
        const [line] = ownersLines([{ file: "f", line: 3, column: 5, text: `\n ${uri}\n` }]);
        expect(line).toMatchObject({ name: machineName(uri), place: { file: "f", line: 4, column: 2 } });
        expect(line).toMatchObject({ host: address.host, user: address.user });
      }),
    );
  });

  it("tells a port that is written from one that is not", () => {
    const ports = ownersLines([{ file: "f", line: 1, column: 1, text: "a;a:22;ssh://x@[::1]:2?compress=true;::1" }]);
    expect(ports.map(({ port }) => port)).toEqual([null, 22, 2, null]);
  });
});
