import type { Place, Remark } from "../../../nix/machine-spec/report.ts";

/** A line that was read before. */
interface EarlierLine {
  readonly name: string;
  readonly at: Place;
}

export function otherConnection(first: EarlierLine, differing: readonly string[]): Remark {
  return {
    code: "DROVER_MACHINE_DUPLICATE",
    message: `'${first.name}' is in ${place(first)} already, with another ${differing.join(", and another ")}. Lines of one machine share its slots, and one way to reach it.`,
    remedy: "Make both lines the same in this, remove one, or give the machine another name in one of them.",
  };
}

export function tooMuch(name: string): Remark {
  return {
    code: "DROVER_MACHINE_TOO_LONG",
    message: `The lines of '${name}' say more than Drover can store of a machine.`,
    remedy: "Shorten its lists, or merge some of its lines.",
  };
}

export function repeated(first: EarlierLine): Remark {
  return {
    code: "DROVER_MACHINE_REPEATED",
    message: `'${first.name}' offers the same in a line before, from ${place(first)} on; this one adds no slots.`,
    remedy: "Remove it.",
  };
}

export function sameHost(name: string, first: EarlierLine): Remark {
  return {
    code: "DROVER_MACHINE_SAME_HOST",
    message: `'${name}' has the address or the host key of '${first.name}' in ${place(first)}. If they are one machine, its slots add up.`,
    remedy: "Write the same [user@]host[:port] in both lines to let them share the slots, or leave it so.",
  };
}

export function keyOfOtherHost(name: string, hosts: string): Remark {
  return {
    code: "DROVER_HOST_KEY_OTHER_HOST",
    message: `One of the host keys is for '${hosts.slice(0, 80)}', so it is not trusted for '${name}', as ssh would not.`,
    remedy: "Write the machine's own host before the key, or nothing, if it is the machine's key.",
  };
}

export function spokenTo(name: string): Remark {
  return {
    code: "DROVER_MACHINE_SSH_NG",
    message: `Drover speaks to '${name}' as ssh:// does (nix-store --serve), not as ssh-ng://; builds are the same.`,
    remedy: "Leave it, if `nix-store` is in the PATH of the machine's non-interactive shell.",
  };
}

function place({ at: { file, line } }: EarlierLine): string {
  return file === null ? `line ${line}` : `line ${line} of ${file}`;
}
