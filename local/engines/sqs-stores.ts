import { findPackageJSON } from "node:module";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import * as z from "zod";
import type * as PersistenceModule from "../../node_modules/fauxqs/dist/persistence.d.ts";
import type * as S3Module from "../../node_modules/fauxqs/dist/s3/s3Store.d.ts";
import type * as SnsModule from "../../node_modules/fauxqs/dist/sns/snsStore.d.ts";
import type * as SqsModule from "../../node_modules/fauxqs/dist/sqs/sqsStore.d.ts";

export interface SqsStores extends Disposable {
  readonly sqsStore: SqsModule.SqsStore;
  readonly snsStore: SnsModule.SnsStore;
  readonly s3Store: S3Module.S3Store;
}

/**
 * fauxqs 2.4.1's stores, kept in SQLite. Its package exports only a server that puts them together by itself and
 * listens on all addresses, so they are taken from its files; the version is pinned exactly.
 *
 * Whoever held a message when the engine stopped has stopped with it (they share a process), so every message is
 * available again. Otherwise a killed `drover up` would wait for the visibility timeout, half an hour for plans.
 */
export async function openSqsStores(directory: string | undefined): Promise<SqsStores> {
  const [{ PersistenceManager }, { SqsStore }, { SnsStore }, { S3Store }] = await Promise.all([
    load<typeof PersistenceModule>("persistence.js"),
    load<typeof SqsModule>("sqs/sqsStore.js"),
    load<typeof SnsModule>("sns/snsStore.js"),
    load<typeof S3Module>("s3/s3Store.js"),
  ]);
  using opened = new DisposableStack();
  const stores = { sqsStore: new SqsStore(), snsStore: new SnsStore(), s3Store: new S3Store() };
  if (directory !== undefined) {
    const persistence = opened.adopt(new PersistenceManager(directory), (manager) => manager.close());
    const database = opened.adopt(new DatabaseSync(join(directory, "fauxqs.db")), (connection) => connection.close());
    // In WAL mode this loses no message when the process is killed, only the last ones when the power is cut, which
    // the sweep makes good. With a flush for each of a step's nine writes the disk would be most of its overhead.
    z.instanceof(DatabaseSync).parse(Reflect.get(persistence, "db")).exec("PRAGMA synchronous = NORMAL");
    const release = "UPDATE sqs_messages SET receipt_handle = NULL, visibility_deadline = NULL";
    database.exec(release);

    // Its own statement sets the count of deliveries to NULL, which the schema forbids: giving a message back failed,
    // and lost it until the next start.
    const releaseOne = database.prepare(`${release} WHERE message_id = ?`);
    persistence.updateMessageReady = (messageId) => void releaseOne.run(messageId);

    persistence.load(stores.sqsStore, stores.snsStore, stores.s3Store);
    stores.sqsStore.persistence = persistence;
    for (const queue of stores.sqsStore.allQueues()) queue.persistence = persistence;
  }
  opened.defer(() => stores.sqsStore.shutdown());
  const disposal = opened.move();
  return { ...stores, [Symbol.dispose]: () => disposal.dispose() };
}

async function load<T>(file: string): Promise<T> {
  const manifest = findPackageJSON("fauxqs", import.meta.url) ?? "";
  return import(pathToFileURL(join(dirname(manifest), "dist", file)).href);
}
