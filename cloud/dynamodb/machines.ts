import type { Machines } from "../ports/machines.ts";
import type { Database } from "./database.ts";
import { editing } from "./machines/editing.ts";
import { noticing } from "./machines/noticing.ts";
import { reading } from "./machines/reading.ts";
import { registering } from "./machines/registering.ts";
import { removing } from "./machines/removing.ts";

export function dynamoDbMachines(database: Database): Machines {
  return {
    ...reading(database),
    ...registering(database),
    ...editing(database),
    ...removing(database),
    ...noticing(database),
  };
}
