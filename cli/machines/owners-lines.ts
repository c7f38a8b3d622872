import type { MachineTextPart } from "../../lambdas/api/schema/machines.ts";
import { parseAuthority } from "../../nix/machine-spec/authority.ts";
import { machineConnection } from "../../nix/machine-spec/connection.ts";
import { type Located, splitEntries } from "../../nix/machine-spec/entries.ts";
import { parseMachines } from "../../nix/machine-spec/parse.ts";
import { parseMachineUri } from "../../nix/machine-spec/uri.ts";
import { machineNameOf } from "../fleet/machine-name.ts";
import { type Place, placeOf } from "./cut-text.ts";

/** A line of a `builders` text that leads to a machine by SSH, as far as the owner's disk has to do with it. */
export interface OwnersLine {
  /** `[user@]host[:port]`, the machine's name. */
  readonly name: string;
  readonly host: string;
  readonly user: string | null;
  /** Null when the line does not name it. */
  readonly port: number | null;
  /** The identity that the line itself names: its third field, or `?ssh-key=`. */
  readonly sshKey: string | null;
  readonly part: MachineTextPart;
  readonly entry: Located;
  readonly place: Place;
}

/** Lines with errors are left to the service, which reports all of them. */
export function ownersLines(parts: readonly MachineTextPart[]): OwnersLine[] {
  return parts.flatMap((part) =>
    splitEntries(part.text).flatMap((entry) => {
      // The system does not matter here.
      const { machines, errors } = parseMachines(entry.text, { defaultSystem: "-" });
      const [spec] = machines;
      if (spec === undefined || errors.length > 0 || parseMachineUri(spec.uri).ssh === null) return [];
      const { address, sshKey } = machineConnection(spec);
      const { host, user } = address;
      const port = writtenPort(spec.uri);
      return [{ name: machineNameOf(spec.uri), host, user, port, sshKey, part, entry, place: placeOf(part, entry) }];
    }),
  );
}

/** An address has 22 where its URI has no port; to ssh_config that makes a difference. */
function writtenPort(uri: string): number | null {
  const [authority = ""] = uri.slice(uri.indexOf("://") + 3).split("?");
  return parseAuthority(authority, uri).port;
}
