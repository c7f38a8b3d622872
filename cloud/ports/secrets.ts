/** What the deployment keeps secret. */
export type SecretName =
  /** Nix's text form `name:base64`, signs narinfos. */
  | "signing-key"
  /** OpenSSH private key with which the runner logs in where a machine's spec names none. */
  | "ssh-identity"
  /** Embedded mode only: hexadecimal, signs the URLs of blobs, as AWS credentials do for S3. */
  | "url-signing-key";

export interface Secrets {
  /** Read once and remembered by the adapter. @throws {DroverError} DROVER_SECRET_MISSING */
  read(name: SecretName): Promise<string>;
  /**
   * The SSH private key that a machine's line names by its absolute path: that file, or in AWS the secret
   * `<deployment>/ssh-identities<path>`. Read anew each time, so that a replaced key is taken up.
   *
   * @throws {DroverError} DROVER_IDENTITY_MISSING
   */
  readIdentity(path: string): Promise<string>;
}
