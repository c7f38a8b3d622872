import { DroverError } from "../../nix/drover-error.ts";
import { hostKeyFingerprint } from "../../nix/machine-spec/host-key.ts";
import { keyType } from "./key-type.ts";
import type { SshPlace, SshTarget } from "./target.ts";
import { RefusedTunnel } from "./tunnel.ts";

/** What a connection was busy with when it failed. */
export type SshStage = "connecting" | "key-exchange" | "authentication";

/** SSH_OPEN_ADMINISTRATIVELY_PROHIBITED (RFC 4254 §5.1). */
const tunnelsProhibited = 1;

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

/** @param via the jump host that was asked to connect to it; undefined where it is reached directly */
export function unreachable({ machine, host, port }: SshPlace, cause: unknown, via?: string): DroverError {
  const code = errorCode(cause);
  const why = plainly[code] ?? (cause instanceof Error ? cause.message : String(cause));
  const where = `${host} port ${port}${via === undefined ? "" : ` from ${via}`}`;
  return new DroverError("DROVER_SSH_UNREACHABLE", `${machine} can not be reached at ${where}: ${why}.`, {
    subject: machine,
    remedy: wayBlocked(code, cause, via),
    cause,
    details: { host, port, reason: code },
  });
}

function wayBlocked(code: string, cause: unknown, via: string | undefined): string {
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") {
    return (
      "Check the host name in the machine's URI; an alias of your ssh_config is resolved when you import the machine " +
      "where that file is."
    );
  }
  if (via !== undefined && cause instanceof RefusedTunnel && cause.reason === tunnelsProhibited) {
    return `Check AllowTcpForwarding and PermitOpen in the sshd_config of ${via}.`;
  }
  return "Check that the machine is on, that sshd listens on this port, and that no firewall is between.";
}

export function timedOut({ machine, host, port }: SshPlace, stage: SshStage, milliseconds: number): DroverError {
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

export function unknownHostKey({ machine, host, port, isJump }: SshTarget): DroverError {
  return new DroverError("DROVER_HOST_KEY_UNKNOWN", `No host key is stored for ${machine}, so nothing is sent to it.`, {
    subject: machine,
    remedy:
      isJump === true
        ? "Connect to it once with ssh, so that its key gets into your known_hosts, and import the machine again."
        : trustRemedy(machine),
    details: { host, port },
  });
}

/** What to do about a machine of which no host key is stored. */
export function trustRemedy(machine: string): string {
  return (
    `Compare and trust the key that it presents: drover machines trust ${machine}. Or put it into the eighth field of ` +
    "its line and import that again; on the machine, this prints it: base64 -w0 /etc/ssh/ssh_host_ed25519_key.pub"
  );
}

/** @param presented the key that the machine showed; undefined when it has none of the stored keys' types */
export function wrongHostKey(target: SshTarget, presented: Uint8Array | undefined, cause: unknown): DroverError {
  const { machine, hostKeys, isJump } = target;
  const expected = hostKeys.map(({ blob }) => hostKeyFingerprint(blob));
  const stored = hostKeys.map(({ type, blob }) => `${type} ${hostKeyFingerprint(blob)}`).join(", ");
  const one = expected.length === 1;
  return new DroverError(
    isJump === true ? "DROVER_JUMP_HOST_KEY_MISMATCH" : "DROVER_HOST_KEY_MISMATCH",
    `${machine} is not the machine it was: the stored host key${one ? " is" : "s are"} ${stored}, ` +
      (presented === undefined
        ? `but it has no key of ${one ? "this type" : "these types"}.`
        : `but it presents ${keyType(presented)} ${hostKeyFingerprint(presented)}.`),
    {
      subject: machine,
      remedy: isJump === true ? changedJumpRemedy : changedKeyRemedy(machine),
      cause,
      details: { expected, presented: presented === undefined ? null : hostKeyFingerprint(presented) },
    },
  );
}

/** What to do about a machine that presents another host key than the stored one. */
function changedKeyRemedy(machine: string): string {
  return (
    "Find out why: was the machine reinstalled, were its keys changed on purpose, or is somebody in between? Compare " +
    `the key on the machine itself (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub), then: drover machines trust ` +
    `${machine} --replace`
  );
}

const changedJumpRemedy =
  "Find out why: was the host reinstalled, were its keys changed on purpose, or is somebody in between? Then correct " +
  "its key in your known_hosts and import the machine again.";

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
    remedy: handshakeRemedy,
    cause,
  });
}

/** Where a port is open and the key exchange does not come about. */
export const handshakeRemedy =
  "Check that the port is sshd's, that sshd allows curve25519 or ECDH with AES or ChaCha20, and that its MaxStartups " +
  "and PerSourcePenalties do not turn the runner away.";

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
