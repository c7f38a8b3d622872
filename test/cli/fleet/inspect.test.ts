import { describe, expect, it } from "vitest";
import { ApiClient } from "../../../cli/api/client.ts";
import { inspect } from "../../../cli/fleet/inspect.ts";
import { startMachineService } from "../machine-service.ts";
import { inspection, machine } from "../views.ts";

const clientOf = ({ url }: { readonly url: string }) => new ApiClient({ url, token: "t" });

describe("inspect()", () => {
  it("asks again, patiently, until a runner has looked", async () => {
    await using service = await startMachineService([machine("nix@mac")], { pending: 1 });
    const began = performance.now();
    expect(await inspect(clientOf(service), "nix@mac")).toEqual(inspection("nix@mac"));
    // The service here does not hold questions back, so it must not be asked in a frenzy.
    expect(performance.now() - began).toBeGreaterThan(900);
    const path = "/v1/machines/nix%40mac/inspections";
    expect(service.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      `POST ${path}`,
      `GET ${path}/0198f2a4-c3b0-7d5e-9a3c-1f4e6b8d0a27?wait=20`,
      `GET ${path}/0198f2a4-c3b0-7d5e-9a3c-1f4e6b8d0a27?wait=20`,
    ]);
  });

  it("gives up when no runner takes it up, and says what to look at", async () => {
    await using service = await startMachineService([machine("mac")], { pending: 100 });
    await expect(inspect(clientOf(service), "mac", { limit: 300 })).rejects.toMatchObject({
      code: "DROVER_INSPECTION_PENDING",
      message: "no runner has looked at mac within 0.3 s",
      remedy: expect.stringContaining("drover up"),
    });
  });

  it("ends with the interruption, also between two questions", async () => {
    await using service = await startMachineService([machine("mac")], { pending: 100 });
    const reason = new Error("interrupted");
    const interrupted = new AbortController();
    const inspecting = inspect(clientOf(service), "mac", { signal: interrupted.signal });
    setTimeout(() => interrupted.abort(reason), 200);
    await expect(inspecting).rejects.toBe(reason);
  });
});
