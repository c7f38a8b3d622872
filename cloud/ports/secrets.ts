/** What the deployment keeps secret. */
export type SecretName =
  /** Nix's text form `name:base64`, signs narinfos. */
  | "signing-key"
  /** OpenSSH private key with which the runner logs in where a machine's spec names none. */
  | "ssh-identity";

export interface Secrets {
  /** Read once and remembered by the adapter. @throws {DroverError} DROVER_SECRET_MISSING */
  read(name: SecretName): Promise<string>;
}
