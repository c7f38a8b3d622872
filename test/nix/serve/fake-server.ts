import { PassThrough } from "node:stream";
import { ServeClient, type ServeClientOptions } from "../../../nix/serve/client.ts";
import { CLIENT_MAGIC, SERVER_MAGIC } from "../../../nix/serve/greeting.ts";
import { ByteReader } from "../../../nix/wire/byte-reader.ts";
import { WireEncoder } from "../../../nix/wire/encoder.ts";

/** The server's end of the connection. */
export interface ServerEnd {
  readonly reader: ByteReader;
  readonly output: PassThrough;
  reply(encoder: WireEncoder): void;
  hangUp(): void;
}

/** Both ends of a connection without a process behind it. */
export function connection(): { client: Pick<ServeClientOptions, "input" | "output">; server: ServerEnd } {
  const toServer = new PassThrough();
  const toClient = new PassThrough();
  return {
    client: { input: toClient, output: toServer },
    server: {
      reader: new ByteReader(toServer),
      output: toClient,
      reply: (encoder) => {
        toClient.write(encoder.toBuffer());
      },
      hangUp: () => {
        toClient.end();
        toServer.destroy();
      },
    },
  };
}

/** A client that was greeted by a server of the given version, and what it announced. */
export async function greeted(
  version: number,
  options: Pick<ServeClientOptions, "announce" | "signal"> = {},
): Promise<{ client: ServeClient; server: ServerEnd; announced: number }> {
  const { client: streams, server } = connection();
  const greeting = (async () => {
    if ((await server.reader.u64()) !== CLIENT_MAGIC) throw new Error("the client's magic is wrong");
    server.reply(new WireEncoder().u64(SERVER_MAGIC).u64(version));
    return await server.reader.number();
  })();
  const [client, announced] = await Promise.all([ServeClient.open({ ...streams, ...options }), greeting]);
  return { client, server, announced };
}
