import type { MachineConnection } from "../../nix/machine-spec/connection.ts";

/**
 * The command line that starts Nix's serve protocol on a machine. Each word is quoted for the remote user's shell;
 * a leading `~/` is left to that shell, since people write `remote-program=~/bin/nix-store`.
 *
 * A machine of scheme ssh-ng is served by the `nix-store` beside its `nix-daemon`: every Nix has both, and one
 * dialect is enough.
 */
export function serveCommand({ address, remoteProgram, remoteStore }: MachineConnection): string {
  const [program = "nix-store", ...leading] = remoteProgram;
  const store = address.scheme === "ssh-ng" ? besideDaemon(program) : program;
  const words = [store, ...leading, "--serve", "--write"];
  if (remoteStore !== null) words.push("--store", remoteStore);
  return words.map(quoteWord).join(" ");
}

/** The machine's `nix-store` by itself: what goes before it (`sudo`, say) and its arguments left out. */
export function storeProgram({ remoteProgram }: Pick<MachineConnection, "remoteProgram">): string {
  const program = remoteProgram.findLast((word) => /(^|\/)nix-(store|daemon)$/.test(word));
  return besideDaemon(program ?? remoteProgram[0] ?? "nix-store");
}

function besideDaemon(program: string): string {
  return program.replace(/(^|\/)nix-daemon$/, "$1nix-store");
}

/** For a POSIX shell, or fish. */
export function quoteWord(word: string): string {
  const [, home = "", rest = ""] = /^(~\/)?(.*)$/s.exec(word) ?? [];
  if (/^[A-Za-z0-9_./:=@%+,-]*$/.test(rest) && word !== "") return word;
  return `${home}'${rest.replaceAll("'", String.raw`'\''`)}'`;
}
