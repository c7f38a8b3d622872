import type { Algorithms, ServerHostKeyAlgorithm } from "ssh2";

/** The types of host keys that can be checked, in the order in which a scan asks for them. */
export const hostKeyTypes = [
  "ssh-ed25519",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "ssh-rsa",
] as const;

/**
 * What is negotiated, best first. AES-GCM is the fastest cipher here and there (twice ChaCha20 on machines with AES
 * instructions), and curve25519 costs the machine 100 ms less than the post-quantum exchange OpenSSH would choose,
 * which ssh2 does not know. The rest is for machines that offer no better.
 *
 * @param hostKeyTypes those of the stored keys; the first that the server has is the one it presents
 */
export function algorithms(hostKeyTypes: readonly string[], compress: boolean): Algorithms {
  return {
    kex: [
      "curve25519-sha256",
      "curve25519-sha256@libssh.org",
      "ecdh-sha2-nistp256",
      "ecdh-sha2-nistp384",
      "ecdh-sha2-nistp521",
      "diffie-hellman-group16-sha512",
      "diffie-hellman-group14-sha256",
    ],
    cipher: [
      "aes256-gcm@openssh.com",
      "aes128-gcm@openssh.com",
      "chacha20-poly1305@openssh.com",
      "aes256-ctr",
      "aes128-ctr",
    ],
    serverHostKey: [...new Set(hostKeyTypes)].flatMap(hostKeyAlgorithms),
    compress: compress ? ["zlib@openssh.com", "zlib", "none"] : ["none"],
  };
}

/**
 * Only those that a stored key can be presented with: a server that has several keys then shows the right one, as
 * OpenSSH makes it do by ordering its list after known_hosts. RSA keys have signature names of their own (RFC 8332).
 */
function hostKeyAlgorithms(type: string): ServerHostKeyAlgorithm[] {
  switch (type) {
    case "ssh-rsa":
      return ["rsa-sha2-512", "rsa-sha2-256"];
    case "ssh-ed25519":
    case "ecdsa-sha2-nistp256":
    case "ecdsa-sha2-nistp384":
    case "ecdsa-sha2-nistp521":
      return [type];
    default:
      return [];
  }
}
