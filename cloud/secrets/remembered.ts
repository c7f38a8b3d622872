import type { SecretName } from "../ports/secrets.ts";

/** Reads each secret once. A failure is not remembered: its remedy may be at work right now. */
export function remembered(read: (name: SecretName) => Promise<string>): (name: SecretName) => Promise<string> {
  const known = new Map<SecretName, Promise<string>>();
  return async (name) => {
    let secret = known.get(name);
    if (secret === undefined) {
      secret = read(name);
      known.set(name, secret);
      secret.catch(() => known.delete(name));
    }
    return await secret;
  };
}
