import type { Authority } from "./authority.ts";
import type { Field } from "./entries.ts";
import { quote } from "./quote.ts";
import type { EntryReport } from "./report.ts";
import type { MachineUri } from "./uri.ts";

/** Fields that older versions of Nix read differently, or refuse. */
export function lintOlderReading(report: EntryReport, address: Field, uri: MachineUri): void {
  if (uri.authority !== null) lintAuthority(report, address, uri.authority, uri.base);
  lintVersion23(report, address);
  for (const name in uri.ssh?.parameters) lintCommand(report, address, name, uri.ssh?.parameters[name] ?? "");
  lintSpeed(report, report.fields[4]);
}

/** Until 2.30 all that stands between scheme and query is given to ssh as it is, but for an IPv6 address's brackets. */
function lintAuthority(report: EntryReport, address: Field, { user, host, port }: Authority, base: string): void {
  const at = base.lastIndexOf("@");
  const destination = base.slice(at + 1);
  if (port !== null || (destination.endsWith(":") && destination !== host)) {
    report.lint(address, {
      code: "DROVER_OLDER_NIX_PORT",
      message: `Nix up to 2.30 has no ports: it takes ${quote(destination)} for the host's name.`,
      remedy: "For such a Nix, give the port in its ssh_config instead.",
    });
  }
  if (!base.includes("%") || (destination.includes(host) && base.startsWith(user ?? ""))) return;
  const zone = host.includes("%");
  report.lint(address, {
    code: zone ? "DROVER_OLDER_NIX_ZONE" : "DROVER_OLDER_NIX_ENCODING",
    message: `Nix up to 2.30 decodes no percent signs in an address: it gives ${quote(base.replace(/:.*@/, "@"))} to ssh.`,
    remedy: zone
      ? `For such a Nix, write the zone without brackets and encoding: ${host}`
      : "For such a Nix, write an alias, and what it stands for in its ssh_config.",
  });
}

/** 2.3 takes text for a URI when it has `://`, or begins with one of some words; 2.4 changed that. */
function lintVersion23(report: EntryReport, address: Field): void {
  const { text } = address;
  if (text.includes("://")) return;
  const [word] = /^(local|remote|auto|\/)/.exec(text) ?? [];
  const isUri = text.includes("/") || /^(auto|daemon|local)?(\?|$)/.test(text);
  if ((word !== undefined) === isUri) return;
  report.lint(address, {
    code: "DROVER_OLDER_NIX_HOST",
    message: isUri
      ? `Nix 2.3 takes ${quote(text)} for a host, and connects to it by SSH.`
      : `Nix 2.3 takes ${quote(text)} for a store of its own, since it begins with '${word}'.`,
    remedy: isUri ? "Write an address with its scheme." : `Write its scheme, too: ${quote(`ssh://${text}`)}`,
  });
}

/** From 2.20 the words of the command are given to ssh as they are, which joins them for the remote shell. */
function lintCommand(report: EntryReport, address: Field, name: string, value: string): void {
  const reading = readings.get(name);
  if (reading === undefined || reading.plain.test(value)) return;
  report.lint(address, {
    code: "DROVER_OLDER_NIX_QUOTING",
    message: `${name}=${quote(value)} has characters that shells act on: Nix up to 2.19 ${reading.older}, later ones ${reading.newer}. Drover quotes it.`,
    remedy: "Choose a path without blanks and special characters; a symbolic link will do.",
  });
}

const readings = new Map([
  [
    "remote-store",
    {
      plain: /^[A-Za-z0-9_./:=@%+,~-]*$/,
      older: "quotes it",
      newer: "leave it to the machine's shell",
    },
  ],
  [
    "remote-program",
    {
      plain: /^[A-Za-z0-9_./:=@%+,~ -]*$/,
      older: "leaves it to the machine's shell",
      newer: "cut it at blanks first",
    },
  ],
]);

/** Until 2.19 it is an unsigned int; 2.3 reads the digits in front, and throws where there are none. */
function lintSpeed(report: EntryReport, field: Field | undefined): void {
  const text = field?.text ?? "-";
  if (text === "-" || (/^\+?[0-9]+$/.test(text) && Number(text) <= 4_294_967_295)) return;
  // What today's Nix refuses, too, has been told of.
  const { column } = report.place(field);
  if (report.errors.some((error) => error.column === column)) return;
  report.lint(field, {
    code: "DROVER_OLDER_NIX_SPEED_FACTOR",
    message: `Nix up to 2.19 knows whole speed factors only: for ${quote(text)} it stops all builds (2.4 to 2.19) or reads the digits in front (2.3).`,
    remedy: "Multiply all machines' factors until they are whole numbers; only their ratios matter.",
  });
}
