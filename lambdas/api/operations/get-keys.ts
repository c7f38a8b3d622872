import * as z from "zod";
import { publicHalf } from "../../../cloud/secrets/public-half.ts";
import { hostKeyFingerprint } from "../../../nix/machine-spec/host-key.ts";
import { parseSecretKey } from "../../../nix/signing.ts";
import { keys } from "../schema/keys.ts";
import { jsonOperation } from "./operation.ts";

/** sshd then runs this, whatever the client asks for, and forwards nothing (sshd(8), AUTHORIZED_KEYS FILE FORMAT). */
const restriction = 'restrict,command="nix-store --serve --write"';

export const getKeys = jsonOperation({
  summary: "Show the public halves of the deployment's keys",
  tag: "service",
  input: z.object({}),
  result: keys,
  async run({ secrets }) {
    const [identity, signingKey] = await Promise.all([secrets.read("ssh-identity"), secrets.read("signing-key")]);
    const { line, blob } = publicHalf(identity, "ssh-identity");
    return {
      sshPublicKey: line,
      sshFingerprint: hostKeyFingerprint(blob),
      authorizedKeysLine: `${restriction} ${line}`,
      cachePublicKey: parseSecretKey(signingKey).publicKey,
    };
  },
});
