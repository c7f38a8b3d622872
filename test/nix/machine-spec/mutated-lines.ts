import * as fc from "fast-check";

const key =
  "c3NoLWVkMjU1MTkgQUFBQUMzTnphQzFsWkRJMU5URTVBQUFBSU5COXViZEhRUHRhWHo3VWlFZmhZVDZQOE03c1dmYlBjYXV1WFRqbkc1cjggcm9vdEBtYWMK";

/** Lines as people have them, and as the manual does. */
export const realLines = [
  "mac",
  "ssh://mac x86_64-darwin",
  "nix@scratchy.labs.cs.uu.nl i686-linux,x86_64-linux /home/nix/.ssh/id_scratchy_auto 8 1 kvm",
  "nix@itchy.labs.cs.uu.nl i686-linux /home/nix/.ssh/id_scratchy_auto 8 2",
  "nix@poochie.labs.cs.uu.nl i686-linux /home/nix/.ssh/id_scratchy_auto 1 2 kvm benchmark",
  `ssh-ng://builder@linux-builder aarch64-linux /etc/nix/builder_ed25519 4 - - - ${key}`,
  `ssh://nix@mac:2222?compress=true&remote-store=/a%20b - - 8 1.5 kvm,big-parallel - ${key} # the one in the cellar`,
  "root@[fe80::1%25eth0] x86_64-linux,- - +5 08 -,kvm , -",
  "a ; b ;; c # d ; e",
  "mac x86_64-linux - 1 1 - - ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINB9ubdHQPtaXz7UiEfhYT6P8M7sWfbPcauuXTjnG5r8",
  "@/etc/nix/machines",
  "  ssh://mac?ssh-key=/k&base64-ssh-public-host-key=c3N - ~/id -1 three\r",
];

const piece = fc.oneof(
  fc.constantFrom("", " ", "\t", "\r", "\n", ";", "#", "@", ",", "%", "-", ":", "/", "?", "&", "=", "[", "]", "::1"),
  fc.constantFrom(
    "0",
    "9",
    "1e3",
    "4294967296",
    "ssh://",
    "ssh-ng://",
    "auto",
    "local",
    "%25",
    "%zz",
    "\u0000",
    "é",
    "😀",
  ),
  fc.constantFrom(
    "\ud800",
    "\u00a0",
    "\u202e",
    key,
    "-----BEGIN OPENSSH PRIVATE KEY-----",
    "__proto__=",
    "x".repeat(300),
  ),
  fc.string({ unit: "binary", maxLength: 4 }),
);

const mutation = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  removed: fc.oneof(fc.constant(0), fc.nat(3), fc.nat(80)),
  inserted: piece,
});

/** Some real lines with some characters removed and some pieces in their place. */
export const mutatedLines: fc.Arbitrary<string> = fc
  .tuple(fc.array(fc.constantFrom(...realLines), { minLength: 1, maxLength: 4 }), fc.array(mutation, { maxLength: 6 }))
  .map(([lines, mutations]) =>
    mutations.reduce((text, { at, removed, inserted }) => {
      const offset = Math.floor(at * text.length);
      return text.slice(0, offset) + inserted + text.slice(offset + removed);
    }, lines.join("\n")),
  );
