import { STORE_DIRECTORY } from "../../nix/store-path.ts";

/** Something that machines are known to suffer from. */
export interface Symptom {
  readonly code: `DROVER_${string}`;
  readonly sign: RegExp;
  /** @param machine its name @param user who logs in */
  readonly describe: (machine: string, user: string) => { readonly what: string; readonly remedy: string };
}

const notTrusted: Symptom = {
  code: "DROVER_USER_NOT_TRUSTED",
  sign: /lacks a (valid )?signature|not privileged to (build|add)|is not privileged/,
  describe: (machine, user) => ({
    what: `the Nix daemon of ${machine} does not trust the user ${user}`,
    remedy: `Add ${user} to trusted-users in the machine's nix.conf and restart its nix-daemon, or log in as root.`,
  }),
};

const diskFull: Symptom = {
  code: "DROVER_DISK_FULL",
  sign: /No space left on device|disk is full|lack of free disk space|disk full/i,
  describe: (machine) => ({
    what: `the disk of ${machine} is full`,
    remedy: "Run nix-collect-garbage on the machine, or set min-free and max-free in its nix.conf.",
  }),
};

/** What SQLite says on some file systems that are full, and on all that are broken. */
const diskFault: Symptom = {
  code: "DROVER_DISK_FAULT",
  sign: /disk I\/O error|Input\/output error/,
  describe: (machine) => ({
    what: `the disk of ${machine} is full or broken`,
    remedy: "Look at df and dmesg on the machine; nix-collect-garbage makes room.",
  }),
};

const misdescribed: Symptom = {
  code: "DROVER_MACHINE_MISDESCRIBED",
  sign: /is required to build .*, but I am a /,
  describe: (machine) => ({
    what: `${machine} lacks a system or feature that its line claims`,
    remedy:
      "Correct systems and features in the machine's line, or system-features and extra-platforms in its nix.conf.",
  }),
};

/** Where there is no socket, Nix tries to use the store by itself, which only its owner can. */
const daemonDown: Symptom = {
  code: "DROVER_NIX_DAEMON_DOWN",
  sign: /cannot connect to (socket at|daemon)|could not set permissions on '\/nix\/var|big-lock': Permission denied/,
  describe: (machine) => ({
    what: `nix-store on ${machine} can not reach its nix-daemon`,
    remedy: "Start the machine's nix-daemon.",
  }),
};

export const otherStoreDirectory: Symptom = {
  code: "DROVER_STORE_DIRECTORY",
  sign: /is not in the Nix store/,
  describe: (machine) => ({
    what: `the Nix of ${machine} has another store directory than ${STORE_DIRECTORY}`,
    remedy:
      "Paths depend on the store directory, so builds for one are of no use to the other: have Nix use /nix/store there " +
      "(NIX_STORE_DIR, store and remote-store say otherwise; a store elsewhere can be a root: " +
      "?remote-store=/home/me/nix has its paths in /nix/store, too).",
  }),
};

const known: readonly Symptom[] = [notTrusted, diskFull, diskFault, misdescribed, daemonDown, otherStoreDirectory];

/** The first symptom that Nix's own words show. Never ask about a builder's log: builders print what they like. */
export function findSymptom(nixSaid: string): Symptom | undefined {
  return known.find(({ sign }) => sign.test(nixSaid));
}

/** Signs that the shell found no Nix, in the words of bash, zsh, dash, fish and of a path that is not there. */
const notFound = /command not found|not found|No such file or directory|Unknown command|Permission denied/;

export function isNixMissing(exitCode: number | undefined, shellSaid: string): boolean {
  return exitCode === 127 || exitCode === 126 || (exitCode !== 0 && notFound.test(shellSaid));
}
