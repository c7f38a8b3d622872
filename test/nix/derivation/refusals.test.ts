import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bytesOf } from "../../../nix/byte-string.ts";
import { MAXIMUM_DERIVATION_BYTES, parseDerivation } from "../../../nix/derivation/parse.ts";
import { outcome, thrown } from "../thrown.ts";
import { fixtures } from "./fixtures/store.ts";

const path = "/nix/store/c015dhfh5l0lp6wxyvdn7bmwhbbr6hr9-dep.drv";
const parse = (text: string) => parseDerivation(bytesOf(text), path);

describe("a malformed derivation is refused with what was expected, and where", () => {
  test.each([
    ["nothing", "", 0, /expected 'Derive\(' or 'DrvWithVersion\('/],
    ["another term", "Derivation(", 0, /expected 'Derive\(' or 'DrvWithVersion\('/],
    ["an unknown version", 'DrvWithVersion("xp-2",[],[],[],"","",[],[])', 15, /version "xp-2" is unknown/],
    ["a missing list", 'Derive("")', 7, /expected '\[', found "\\"\\"\)"/],
    ["a blank", 'Derive([], [],[],"","",[],[])', 10, /expected '\[', found " \[\]/],
    ["a trailing comma", 'Derive([],[],[],"","",["a",],[])', 27, /expected a string/],
    ["a leading comma", 'Derive([],[],[],"","",[,"a"],[])', 23, /expected a string/],
    ["an unterminated string", 'Derive([],[],[],"","x\\"', 19, /closing quote of the string that starts here/],
    ["an escape at the end", 'Derive([],[],[],"","x\\', 19, /closing quote/],
    ["something behind the end", 'Derive([],[],[],"","",[],[])\n', 28, /expected the end of the derivation/],
    ["a missing end", 'Derive([],[],[],"","",[],[]', 27, /expected '\)', found the end/],
  ])("%s", (_, text, offset, message) => {
    const error = thrown(() => parse(text));
    expect(error).toMatchObject({ code: "DROVER_DERIVATION_SYNTAX", subject: path });
    expect(error.details).toMatchObject({ offset });
    expect(error.message).toMatch(message);
    expect(error.message).toContain(`${path} is malformed at byte ${offset}`);
  });

  test.each([
    ["an output path outside the store", '[("out","/tmp/x","","")],[],[],"","",[],[]', /not in \/nix\/store/],
    ["an output's illegal name", '[("a/b","","","")],[],[],"","",[],[]', /illegal character "\/"/],
    ["a hash without algorithm", `[("out","","","00")],[],[],"","",[],[]`, /a hash but no hash algorithm/],
    ["a hash without path", `[("out","","sha256","00")],[],[],"","",[],[]`, /a hash but no path/],
    ["an algorithm and a path without hash", `[("out","${path}","sha256","")],[],[],"","",[],[]`, /but no hash/],
    ["an impure output with a path", `[("out","${path}","sha256","impure")],[],[],"","",[],[]`, /no hash/],
    ["an input with a trailing slash", `[],[("${path}/",["out"])],[],"","",[],[]`, /illegal character "\/"/],
    ["an input of which nothing is wanted", `[],[("${path}",[])],[],"","",[],[]`, /no output of this input is wanted/],
    ["a dynamic input without the version", `[],[("${path}",(["out"],[]))],[],"","",[],[]`, /expected '\['/],
    ["a source outside the store", '[],[],["/etc/passwd"],"","",[],[]', /not in \/nix\/store/],
    ["an output given twice", '[("out","","",""),("out","","","")],[],[],"","",[],[]', /"out" is listed twice/],
    ["a variable given twice", '[],[],[],"","",[],[("a",""),("a","")]', /"a" is listed twice/],
    ["a source given twice", `[],[],["${path}","${path}"],"","",[],[]`, /is listed twice/],
    ["an input given twice", `[],[("${path}",["a"]),("${path}",["b"])],[],"","",[],[]`, /is listed twice/],
  ])("%s", (_, body, message) => {
    const error = thrown(() => parse(`Derive(${body})`));
    expect(error).toMatchObject({ code: "DROVER_DERIVATION_SYNTAX", subject: path });
    expect(error.message).toMatch(message);
  });
});

test("deep nesting is refused before it costs the stack", () => {
  const depth = 100_000;
  const nested = `${'([],[("a",'.repeat(depth)}["b"]${")])".repeat(depth)}`;
  const error = thrown(() => parse(`DrvWithVersion("xp-dyn-drv",[],[("${path}",${nested})],[],"","",[],[])`));
  expect(error.message).toMatch(/expected '\['/);
});

test("a file beyond the limit is refused by its size", () => {
  const error = thrown(() => parseDerivation(new Uint8Array(MAXIMUM_DERIVATION_BYTES + 1)));
  expect(error.message).toMatch(/the limit is/);
});

test("a file with damage anywhere is parsed or refused, and a shortened one is refused", () => {
  const damages = fc.record({
    fixture: fc.constantFrom(...fixtures),
    position: fc.nat(),
    byte: fc.oneof(fc.constantFrom(...Buffer.from('"\\[](),')), fc.integer({ min: 0, max: 255 })),
  });
  fc.assert(
    fc.property(damages, ({ fixture, position, byte }) => {
      const damaged = Uint8Array.from(fixture.bytes);
      const at = position % damaged.length;
      damaged[at] = byte;
      expect(outcome(() => parseDerivation(damaged))).toMatch(/^(returned|DROVER_DERIVATION_SYNTAX)$/);
      expect(thrown(() => parseDerivation(fixture.bytes.subarray(0, at))).code).toBe("DROVER_DERIVATION_SYNTAX");
    }),
    { numRuns: 1000 },
  );
});

test("random bytes are refused", () => {
  const tails = fc.uint8Array().map((bytes) => Buffer.concat([Buffer.from("Derive("), bytes]));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array(), tails), (bytes) => {
      expect(thrown(() => parseDerivation(bytes)).code).toBe("DROVER_DERIVATION_SYNTAX");
    }),
  );
});
