import type { MachineConnection } from "../../nix/machine-spec/connection.ts";
import { quoteWord, storeProgram } from "../machines/serve-command.ts";

/**
 * Run by `sh`, whatever the user's own shell is; that one only has to pass on words in single quotes. So there is
 * nothing in it that any shell treats specially there: no single quote, no backslash (fish), no `!` (csh), no line break.
 *
 * Its arguments are the mark that its own lines begin with, the path or name of nix-store, and the value of `--store`.
 * Settings are printed by `nix config show` (2.20 and later), `nix show-config` (2.4 and later, as an experimental
 * command) or the same without a flag (2.3). A store that is a directory is a root, with the real files below it.
 */
const script = [
  `echo "$1 begin"`,
  `echo "$1 clock $(date +%s)"`,
  `f=$(command -v "$2")`,
  `echo "$1 program $f"`,
  `case "$f" in */*) d=\${f%/*}/;; *) d=;; esac`,
  `echo "$1 version $("$f" --version)"`,
  `t=\${d}nix-instantiate`,
  `[ -x "$t" ] || t=nix-instantiate`,
  `s=$("$t" --eval \${3:+--store "$3"} --expr builtins.storeDir)`,
  `echo "$1 store-directory $s"`,
  `s=\${s#?}`,
  `s=\${s%?}`,
  `for x in "$3$s" "$s" /nix/store /nix /; do if [ -d "$x" ]; then echo "$1 disk $x"; df -Pk "$x"; break; fi; done`,
  `echo "$1 settings"`,
  `t=\${d}nix`,
  `[ -x "$t" ] || t=nix`,
  `set -- "$1" "$t" --extra-experimental-features nix-command`,
  `"$2" "$3" "$4" config show || "$2" "$3" "$4" show-config || "$2" show-config`,
  `echo "$1 end"`,
].join("; ");

/** @param mark a word that nothing else on the machine prints, without anything that a shell treats specially */
export function factsCommand(machine: Pick<MachineConnection, "remoteProgram" | "remoteStore">, mark: string): string {
  const words = [mark, storeProgram(machine), machine.remoteStore ?? ""];
  return `sh -c '${script}' sh ${words.map(quoteWord).join(" ")}`;
}
