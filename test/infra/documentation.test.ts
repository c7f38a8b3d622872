import { readFile } from "node:fs/promises";
import { beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { tableName } from "../../cloud/topology/names.ts";
import { tables } from "../../cloud/topology/tables.ts";
import { keysOf } from "../../infra/map-record.ts";
import { optionsSchema, parseOptions } from "../../infra/options.ts";
import { synthesize } from "./synthesize.ts";

type Template = Awaited<ReturnType<typeof synthesize>>;

let page = "";
let template: Template;
beforeAll(async () => {
  page = await readFile(new URL("../../docs/deploy.md", import.meta.url), "utf8");
  template = await synthesize();
}, 60_000);

/** Cells of a table's rows, by the title of its first column. */
function rowsOf(title: string): string[][] {
  const [, table = ""] = new RegExp(`^\\| ${title} \\|.*\\n\\|[-|]+\\n((?:\\|.*\\n)+)`, "m").exec(page) ?? [];
  return table
    .trim()
    .split("\n")
    .map((row) => row.split("|").slice(1, -1))
    .map((cells) => cells.map((cell) => cell.trim()));
}

const quoted = (cell = "") => [...cell.matchAll(/`([^`]+)`/g)].map(([, text = ""]) => text);

interface Leaf {
  readonly path: string;
  /** As JSON; undefined where the option has none. */
  readonly default?: string;
}

const property = z.looseObject({
  default: z.unknown().optional(),
  get properties() {
    return z.record(z.string(), property).optional();
  },
});

function leavesOf({ properties, ...rest }: z.output<typeof property>, path: readonly string[] = []): Leaf[] {
  if (properties !== undefined) {
    return Object.entries(properties).flatMap(([name, below]) => leavesOf(below, [...path, name]));
  }
  return [{ path: path.join("."), ...(rest.default !== undefined && { default: JSON.stringify(rest.default) }) }];
}

describe("docs/deploy.md", () => {
  it("has every option with its default, and no other", () => {
    const options = leavesOf(property.parse(z.toJSONSchema(optionsSchema, { io: "input" })));
    expect(options.length).toBeGreaterThan(10);
    const documented = rowsOf("option").map(([name, , value = ""]): Leaf => {
      const [path = ""] = quoted(name);
      const [json] = quoted(value);
      return { path, ...(json !== undefined && { default: json }) };
    });
    expect(documented.toSorted(byPath)).toEqual(options.toSorted(byPath));
  });

  it("says which runners' sizes and which days of logs there are", () => {
    const numbersOf = (option: string) => {
      const [, meaning = ""] = rowsOf("option").find(([name]) => name === `\`${option}\``) ?? [];
      return [...meaning.matchAll(/\d+/g)].map(Number);
    };
    for (const days of numbersOf("retention.serviceLogs")) {
      expect(parseOptions({ retention: { serviceLogs: days } }).retention.serviceLogs).toBe(days);
    }
    const least = new Map([
      [256, 512],
      [512, 1024],
      [1024, 2048],
      [2048, 4096],
    ]);
    for (const cpu of numbersOf("runner.cpu")) {
      expect(parseOptions({ runner: { cpu, memory: least.get(cpu) } }).runner.cpu).toBe(cpu);
    }
  });

  it("has every output, alarm and log of the stack, and no other", () => {
    const outputs = Object.keys(template.toJSON()["Outputs"]);
    expect(
      rowsOf("output")
        .flatMap(([names]) => quoted(names))
        .toSorted(),
    ).toEqual(outputs.toSorted());
    const alarms = Object.values(template.findResources("AWS::CloudWatch::Alarm"));
    expect(
      rowsOf("alarm")
        .flatMap(([name]) => quoted(name))
        .toSorted(),
    ).toEqual(alarms.map((alarm) => String(alarm["Properties"].AlarmName)).toSorted());
    const [, logs = ""] = /^The logs are (.*?):$/ms.exec(page) ?? [];
    const groups = Object.values(template.findResources("AWS::Logs::LogGroup"));
    expect(
      quoted(logs)
        .filter((text) => !text.startsWith("/"))
        .toSorted(),
    ).toEqual(
      groups.map((group) => String(group["Properties"].LogGroupName).replace("/drover/drover/", "")).toSorted(),
    );
  });

  it("deletes all tables that stay", () => {
    const [, listed = ""] = /^for table in (.*); do$/m.exec(page) ?? [];
    expect(
      listed
        .split(" ")
        .map((name) => `drover-${name}`)
        .toSorted(),
    ).toEqual(
      keysOf(tables)
        .map((name) => tableName("drover", name))
        .toSorted(),
    );
  });

  it("names secrets, a service and a cluster that the stack has", () => {
    const named = (type: string, property: string) =>
      Object.values(template.findResources(type)).map((resource) => String(resource["Properties"][property]));
    const secrets = [...page.matchAll(/--secret-id (\S+)/g)].map(([, name = ""]) => name);
    expect([...new Set(secrets)].toSorted()).toEqual(named("AWS::SecretsManager::Secret", "Name").toSorted());
    const services = [...page.matchAll(/--cluster (\S+) --service (\S+)/g)].map(([, ...names]) => names);
    expect(services.length).toBeGreaterThan(0);
    for (const names of services) {
      expect(names).toEqual([
        ...named("AWS::ECS::Cluster", "ClusterName"),
        ...named("AWS::ECS::Service", "ServiceName"),
      ]);
    }
  });
});

function byPath(a: Leaf, b: Leaf): number {
  return a.path.localeCompare(b.path);
}
