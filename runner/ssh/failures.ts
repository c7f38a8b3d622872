import { DroverError } from "../../nix/drover-error.ts";
import { hostKeyFingerprint } from "../../nix/machine-spec/host-key.ts";
import type { SshTarget } from "./target.ts";

/** What a connection was busy with when it failed. */
export type SshStage = "connecting" | "key-exchange" | "authentication";

/** System errors of connecting, as a person would say them. */
const plainly: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there (connection refused)",
  EHOSTUNREACH: "no route leads there (host unreachable)",
  ENETUNREACH: "no route leads there (network unreachable)",
  ENOTFOUND: "the name is unknown (DNS)",
  EAI_AGAIN: "the name could not be looked up (DNS does not answer)",
  ECONNRESET: "it closed the connection",
  ETIMEDOUT: "it does not answer",
};

export function unreachable({ machine, host, port }: SshTarget, cause: unknown): DroverError {
  const code = errorCode(cause);
  const why = plainly[code] ?? (cause instanceof Error ? cause.message : String(cause));
  const remedy =
    code === "ENOTFOUND" || code === "EAI_AGAIN"
      ? "Check the host name in the machine's URI; aliases of an ssh_config are not known to the runner."
      : "Check that the machine is on, that sshd listens on this port, and that no firewall is between.";
  return new DroverError("DROVER_SSH_UNREACHABLE", `${machine} can not be reached at ${host} port ${port}: ${why}.`, {
    subject: machine,
    remedy,
    cause,
    details: { host, port, reason: code },
  });
}

export function timedOut({ machine, host, port }: SshTarget, stage: SshStage, milliseconds: number): DroverError {
  const during = {
    connecting: `${host} port ${port} does not answer`,
    "key-exchange": "it accepts connections, but the key exchange does not get on",
    authentication: "the log-in does not get on",
  };
  return new DroverError(
    "DROVER_SSH_TIMEOUT",
    `${machine}: no SSH connection within ${milliseconds / 1000} s: ${during[stage]}.`,
    {
      subject: machine,
      remedy: "Check that the machine is on and not overloaded, and that no firewall drops packets to it.",
      details: { stage },
    },
  );
}

export function unknownHostKey({ machine, host, port }: SshTarget): DroverError {
  return new DroverError("DROVER_HOST_KEY_UNKNOWN", `No host key is stored for ${machine}, so nothing is sent to it.`, {
    subject: machine,
    remedy:
      "Put it into the eighth field of the machine's line and import that again; on the machine, this prints it: " +
      "base64 -w0 /etc/ssh/ssh_host_ed25519_key.pub",
    details: { host, port },
  });
}

/** @param presented the key that the machine showed; undefined when it has none of the stored key's type */
export function wrongHostKey(target: SshTarget, presented: Uint8Array | undefined, cause: unknown): DroverError {
  const { machine, hostKey } = target;
  const expected = hostKey === null ? "none" : hostKeyFingerprint(hostKey.blob);
  const shown = presented === undefined ? undefined : hostKeyFingerprint(presented);
  const type = hostKey?.type ?? "unknown";
  return new DroverError(
    "DROVER_HOST_KEY_MISMATCH",
    `${machine} is not the machine it was: the stored ${type} host key is ${expected}, ` +
      (shown === undefined ? "but it has no key of this type." : `but it presents ${shown}.`),
    {
      subject: machine,
      remedy:
        "If the machine was reinstalled or its keys were changed on purpose, put the new key into the eighth field of " +
        "its line and import that again. If not, somebody may be in between: find out first.",
      cause,
      details: { expected, presented: shown ?? null },
    },
  );
}

export function refusedIdentity({ machine, user, identity, agent }: SshTarget, cause: unknown): DroverError {
  if (identity === null) return refusedAgent(machine, user, cause);
  const { label, fingerprint, publicLine } = identity;
  const alsoTried = agent === undefined ? "" : ", nor any identity of the ssh-agent";
  return new DroverError(
    "DROVER_SSH_AUTHENTICATION",
    `${machine}: the user ${user} does not admit the identity ${label} (${fingerprint})${alsoTried}.`,
    {
      subject: machine,
      remedy: `Add this line to .ssh/authorized_keys of ${user} on the machine: ${publicLine}`,
      cause,
      details: { user, identity: label, fingerprint },
    },
  );
}

function refusedAgent(machine: string, user: string, cause: unknown): DroverError {
  const message = `${machine}: the user ${user} admits no identity of the ssh-agent.`;
  return new DroverError("DROVER_SSH_AUTHENTICATION", message, {
    subject: machine,
    remedy: `Load the right identity with ssh-add, and have it in .ssh/authorized_keys of ${user} on the machine.`,
    cause,
    details: { user },
  });
}

export function failedHandshake({ machine }: SshTarget, cause: unknown): DroverError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new DroverError("DROVER_SSH_HANDSHAKE", `${machine}: no SSH connection came about: ${why}.`, {
    subject: machine,
    remedy: "Check that the port is sshd's and that sshd allows curve25519 or ECDH with AES or ChaCha20.",
    cause,
  });
}

export function lostConnection(machine: string, cause: Error | undefined): DroverError {
  const why = cause?.message ?? "the machine closed it";
  return new DroverError("DROVER_SSH_LOST", `The SSH connection to ${machine} was lost: ${why}.`, {
    subject: machine,
    remedy: "Check the machine and the network between; the step is tried again.",
    cause,
  });
}

/** The machine's sshd allows so many sessions in a connection and no more. */
export function refusedChannel(machine: string, cause: unknown): DroverError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new DroverError("DROVER_SSH_SESSION_REFUSED", `${machine} refuses a session: ${why}.`, {
    subject: machine,
    remedy: "Check MaxSessions in the machine's sshd_config, and that the user may run commands.",
    cause,
  });
}

function errorCode(error: unknown): string {
  if (!(error instanceof Error) || !("code" in error)) return "";
  return String(error.code);
}
