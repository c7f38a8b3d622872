import * as fc from "fast-check";
import { encodeHostKeys, type HostKey } from "../../../nix/machine-spec/host-key.ts";
import type { MachineSpec, SshAddress } from "../../../nix/machine-spec/types.ts";
import { printSshUri } from "../../../nix/machine-spec/uri.ts";

const ipv6 = fc
  .tuple(fc.ipV6(), fc.option(fc.stringMatching(/^[a-z0-9._~-]{1,8}$/)))
  .map(([address, zone]) => (zone === null ? address : `${address}%${zone}`));

/** Any SSH address; text that needs encoding is frequent in its parameters. */
export const addresses: fc.Arbitrary<SshAddress> = fc.record({
  scheme: fc.constantFrom("ssh", "ssh-ng"),
  user: fc.option(fc.stringMatching(/^[A-Za-z0-9_.@:%\\/][A-Za-z0-9_.@:%\\/-]{0,10}$/)),
  host: fc.oneof(fc.domain(), fc.ipV4(), ipv6, fc.stringMatching(/^[a-zA-Z0-9_][a-zA-Z0-9._~!*+=-]{0,20}$/)),
  port: fc.oneof(fc.constant(22), fc.integer({ min: 1, max: 65_535 })),
  parameters: fc.dictionary(fc.string({ unit: "grapheme", minLength: 1 }), fc.string({ unit: "grapheme" }), {
    maxKeys: 3,
    noNullPrototype: true,
  }),
});

/** Any key, though not one that a server could have: what counts is its wire form. */
export const hostKeys: fc.Arbitrary<HostKey> = fc
  .tuple(
    fc.constantFrom("ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa", "x"),
    fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 3 }),
    fc.array(fc.stringMatching(/^[!-~äé€😀]{1,10}$/u), { maxLength: 3 }),
  )
  .map(([type, parts, comment]) => {
    const strings = [Buffer.from(type), ...parts].map((part) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(part.length);
      return Buffer.concat([length, part]);
    });
    return { type, blob: Buffer.concat(strings), comment: comment.join(" ") };
  });

const word = fc.oneof(fc.constant("-"), fc.stringMatching(/^[!"$-+\--:<-~äß😀]{1,12}$/u));

/** Names of systems, or of features: anything that the format can express, also `-`. */
const lists = fc.uniqueArray(word, { maxLength: 4 }).map((list) => list.toSorted());

/** Any machine that SSH reaches, as parsing gives it. */
export const machines: fc.Arbitrary<MachineSpec> = fc.record({
  uri: addresses.map(printSshUri),
  systems: lists,
  sshKey: fc.option(fc.stringMatching(/^\/[!"$-:<-~]{0,20}$/)),
  maxJobs: fc.nat(4_294_967_295),
  speedFactor: fc.double({ min: 1e-30, max: 1e30, noNaN: true }),
  supportedFeatures: lists,
  mandatoryFeatures: lists,
  hostKey: fc.option(
    fc.oneof(
      fc.array(hostKeys, { minLength: 1, maxLength: 3 }).map((keys) => encodeHostKeys(keys, "mac")),
      fc.uint8Array({ minLength: 1 }).map((bytes) => Buffer.from(bytes).toString("base64")),
    ),
  ),
});
