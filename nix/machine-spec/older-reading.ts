import type { Authority } from "./authority.ts";
import type { Field } from "./entries.ts";
import type { FieldRemark } from "./missing-field.ts";
import { quote } from "./quote.ts";
import type { Remark } from "./report.ts";
import type { MachineUri } from "./uri.ts";

/** Fields that older versions of Nix read differently, or refuse. They must be ones that today's Nix reads. */
export function lintOlderReading(fields: readonly Field[], uri: MachineUri): FieldRemark[] {
  const [address, , , , speed] = fields;
  if (address === undefined) return [];
  const remarks = lintAddress(address.text, uri).map((remark) => ({ ...remark, field: address }));
  const older = speed === undefined ? undefined : lintSpeed(speed.text);
  return speed === undefined || older === undefined ? remarks : [...remarks, { ...older, field: speed }];
}

/** Until 2.19 it is an unsigned int; 2.3 reads the digits in front, and throws where there are none. */
function lintSpeed(text: string): Remark | undefined {
  if (text === "-" || (/^\+?[0-9]+$/.test(text) && Number(text) <= 4_294_967_295)) return undefined;
  return {
    code: "DROVER_OLDER_NIX_SPEED_FACTOR",
    message: `Nix up to 2.19 knows whole speed factors only: for ${quote(text)} it stops all builds (2.4 to 2.19) or reads the digits in front (2.3).`,
    remedy: "Multiply all machines' factors until they are whole numbers; only their ratios matter.",
  };
}

function lintAddress(text: string, uri: MachineUri): Remark[] {
  return [
    ...(uri.authority === null ? [] : lintAuthority(uri.authority, uri.base)),
    ...lintVersion23(text),
    ...(uri.ssh === null ? [] : lintCommand(uri.ssh.parameters)),
  ];
}

/** Until 2.30 all that stands between scheme and query is given to ssh as it is, but for an IPv6 address's brackets. */
function lintAuthority({ user, host, port }: Authority, base: string): Remark[] {
  const remarks: Remark[] = [];
  const login = base.slice(0, Math.max(base.lastIndexOf("@"), 0));
  const destination = base.slice(base.lastIndexOf("@") + 1);
  if (port !== null || (destination.endsWith(":") && destination !== host)) {
    remarks.push({
      code: "DROVER_OLDER_NIX_PORT",
      message: `Nix up to 2.30 has no ports: it takes ${quote(destination)} for the host's name.`,
      remedy: "For such a Nix, give the port in its ssh_config instead.",
    });
  }
  if (!base.includes("%") || (destination.includes(host) && login.startsWith(user ?? ""))) return remarks;
  const zone = host.includes("%");
  remarks.push({
    code: zone ? "DROVER_OLDER_NIX_ZONE" : "DROVER_OLDER_NIX_ENCODING",
    message: `Nix up to 2.30 decodes no percent signs in an address: it gives ${quote(base.replace(/:.*@/, "@"))} to ssh.`,
    remedy: zone
      ? `For such a Nix, write the zone without brackets and encoding: ${host}`
      : "For such a Nix, write an alias, and what it stands for in its ssh_config.",
  });
  return remarks;
}

/** 2.3 takes text for a URI when it has `://`, or begins with one of some words; 2.4 changed that (1.3). */
function lintVersion23(text: string): Remark[] {
  const isUri23 = text.includes("://") || /^(local|remote|auto|\/)/.test(text);
  const isUri = text.includes("/") || /^(auto|daemon|local)?(\?|$)/.test(text);
  if (isUri23 === isUri) return [];
  const word = /^(local|remote|auto)/.exec(text)?.[0] ?? "";
  return [
    {
      code: "DROVER_OLDER_NIX_HOST",
      message: isUri23
        ? `Nix 2.3 takes ${quote(text)} for a store of its own, since it begins with '${word}'.`
        : `Nix 2.3 takes ${quote(text)} for a host, and connects to it by SSH.`,
      remedy: isUri23 ? `Write ssh://${text}` : "Write an address with its scheme.",
    },
  ];
}

/** From 2.20 the words of the command are given to ssh as they are, which joins them for the remote shell. */
function lintCommand(parameters: Readonly<Record<string, string>>): Remark[] {
  return [
    ["remote-store", "quotes it (up to 2.19), or leaves it to the machine's shell as it is (from 2.20)"],
    ["remote-program", "leaves it to the machine's shell (up to 2.19), or cuts it at blanks first (from 2.20)"],
  ].flatMap(([name = "", readings = ""]) => {
    const value = Object.hasOwn(parameters, name) ? (parameters[name] ?? "") : "";
    const plain = name === "remote-store" ? /^[A-Za-z0-9_./:=@%+,~-]*$/ : /^[A-Za-z0-9_./:=@%+,~ -]*$/;
    if (plain.test(value)) return [];
    return [
      {
        code: "DROVER_OLDER_NIX_QUOTING",
        message: `${name}=${quote(value)} has characters that shells act on: Nix ${readings}. Drover quotes it.`,
        remedy: "Choose a path without blanks and special characters; a symbolic link will do.",
      } satisfies Remark,
    ];
  });
}
