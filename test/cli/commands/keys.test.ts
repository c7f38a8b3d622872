import { expect, it } from "vitest";
import { startFaultService } from "../fault-service.ts";
import { runDrover } from "../run-drover.ts";

const keys = {
  sshPublicKey: "ssh-ed25519 AAAA drover",
  sshFingerprint: "SHA256:abc",
  authorizedKeysLine: 'restrict,command="nix-store --serve --write" ssh-ed25519 AAAA drover',
  cachePublicKey: "drover-1:abc=",
};

it("prints the public keys as they are to be pasted, each on a line of its own", async () => {
  await using service = await startFaultService(() => ({ json: keys }));
  const { stdout, stderr, code } = await runDrover(["keys", "show"], service);
  expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
  const lines = stdout.split("\n");
  expect(lines).toContain(keys.authorizedKeysLine);
  expect(lines).toContain(`extra-substituters = ${service.url}/cache`);
  expect(lines).toContain("extra-trusted-public-keys = drover-1:abc=");
  expect(stdout).toContain("SHA256:abc");
});

it("gives programs the keys alone", async () => {
  await using service = await startFaultService(() => ({ json: keys }));
  const { stdout } = await runDrover(["keys", "show", "--json"], service);
  expect(JSON.parse(stdout)).toEqual(keys);
  expect(service.requests).toMatchObject([{ method: "GET", path: "/v1/keys" }]);
});
