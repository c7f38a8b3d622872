import { once } from "node:events";
import type { Server } from "node:http";
import { DroverError } from "../../nix/drover-error.ts";

/**
 * Makes the server listen on the loopback address only: what it guards with one token is not for a network.
 *
 * @param port 0 for any free one
 * @returns the port
 * @throws {DroverError} DROVER_PORT_IN_USE
 */
export async function listen(server: Server, port: number): Promise<number> {
  server.listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "EADDRINUSE") {
      throw new DroverError("DROVER_PORT_IN_USE", `Port ${port} of 127.0.0.1 is taken`, {
        subject: String(port),
        remedy: "Stop what listens there (another `drover up`?), or choose another port with --port.",
        cause,
      });
    }
    throw cause;
  }
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : port;
}
