import { DroverError } from "../../nix/drover-error.ts";

/** Where machines are on the network; see FleetOptions. */
export type FleetMode = "namespaces" | "processes";

export type HostKeyType = "ed25519" | "rsa" | "ecdsa";

/** What a test machine is to be. Field names are those of Nix's machine specifications, where it has them. */
export interface MachineOptions {
  /** Its host name, too: a lower case letter, then up to 30 lower case letters, digits and hyphens. */
  readonly name: string;
  /**
   * The machine takes derivations for all of these and no others, whatever its processor: builders that are shell
   * scripts run anyway. @default what the host is: x86_64-linux or aarch64-linux
   */
  readonly systems?: readonly string[];
  /** Only for the spec line: the machine itself builds whatever comes. @default 1 */
  readonly maxJobs?: number;
  /** Only for the spec line. @default 1 */
  readonly speedFactor?: number;
  /** The machine's `system-features`, together with the mandatory ones. @default none */
  readonly supportedFeatures?: readonly string[];
  /** @default none */
  readonly mandatoryFeatures?: readonly string[];
  /**
   * Who logs in: `root`, who has the store to himself, or `nixssh`, a plain user who goes through a nix-daemon. Where a
   * plain user boots the machines there is only one user in them, `builder`, who owns the store; `nixssh` is an error.
   * @default "root"
   */
  readonly user?: "root" | "nixssh";
  /** Whether nix.conf's trusted-users has `nixssh`. @default true */
  readonly trusted?: boolean;
  /** false: the PATH of sessions lacks Nix, as on macOS; it is in /nix/var/nix/profiles/default/bin. @default true */
  readonly nixOnPath?: boolean;
  /** A line that ~/.bashrc prints on standard output before every command. @default none */
  readonly noise?: string;
  /** @default false */
  readonly sandbox?: boolean;
  /** sshd's limit of channels in one connection. @default 10, as sshd's own */
  readonly maxSessions?: number;
  /** Whether it can be used as a jump host. @default true */
  readonly forwarding?: boolean;
  /**
   * Programs by name, as shell scripts, that sessions find before all others: a `date` that is wrong, say.
   * @default none
   */
  readonly programs?: Readonly<Record<string, string>>;
  /** The store directory of sessions' Nix (NIX_STORE_DIR); the daemon's stays. @default /nix/store */
  readonly storeDirectory?: string;
  /** `command="…"` before the fleet's key in the machine's own authorized_keys. @default any command may be run */
  readonly forcedCommand?: string;
  /** Who logs in has this shell. @default /bin/bash */
  readonly shell?: string;
  /** Lines for nix.conf. @default none */
  readonly extraConf?: string;
  /** The first type is the one of `hostKey` and of the spec line. @default ["ed25519"] */
  readonly hostKeyTypes?: readonly [HostKeyType, ...HostKeyType[]];
  /** Puts /nix on a tmpfs of this size, which can be filled. It is empty again after `powerOff()`. @default on disk */
  readonly storeSizeMegabytes?: number;
}

/** The same, with every default filled in. */
export type MachineSettings = Required<Omit<MachineOptions, Unset | "user">> &
  Pick<MachineOptions, Unset> & { readonly user: "root" | "nixssh" | "builder" };

/** What has no default but its absence. */
type Unset = "storeSizeMegabytes" | "noise" | "storeDirectory" | "forcedCommand";

/**
 * @param isRoot whether the machines are booted by root
 * @throws DroverError DROVER_MACHINE_OPTIONS
 */
export function settleOptions(options: MachineOptions, isRoot: boolean): MachineSettings {
  if (!/^[a-z][a-z0-9-]{0,30}$/u.test(options.name) || options.name === "shared") {
    throw new DroverError("DROVER_MACHINE_OPTIONS", `"${options.name}" cannot be the name of a test machine`, {
      subject: options.name,
      remedy: 'Use lower case letters, digits and hyphens, a letter first, and not "shared".',
    });
  }
  if (options.user === "nixssh" && !isRoot) {
    throw new DroverError("DROVER_MACHINE_OPTIONS", `${options.name}: only root can boot a machine with a nix-daemon`, {
      subject: options.name,
      remedy: 'Run as root, or leave out user: "nixssh".',
    });
  }
  return {
    systems: [`${process.arch === "arm64" ? "aarch64" : "x86_64"}-linux`],
    maxJobs: 1,
    speedFactor: 1,
    supportedFeatures: [],
    mandatoryFeatures: [],
    trusted: true,
    nixOnPath: true,
    sandbox: false,
    maxSessions: 10,
    forwarding: true,
    programs: {},
    shell: "/bin/bash",
    extraConf: "",
    hostKeyTypes: ["ed25519"],
    ...options,
    user: isRoot ? (options.user ?? "root") : "builder",
  };
}
