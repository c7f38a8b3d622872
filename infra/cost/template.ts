import * as z from "zod";

const reference = z.looseObject({ "Fn::GetAtt": z.tuple([z.string(), z.string()]).optional() });

const resource = z.looseObject({ Type: z.string(), Properties: z.record(z.string(), z.unknown()).default({}) });

const template = z.looseObject({ Resources: z.record(z.string(), resource) });

/** A resource of a synthesized template, with its logical id. */
export interface Resource {
  readonly id: string;
  readonly type: string;
  readonly properties: Readonly<Record<string, unknown>>;
}

/** @param synthesized a template of CloudFormation's, as parsed JSON */
export function resourcesOf(synthesized: unknown): readonly Resource[] {
  return Object.entries(template.parse(synthesized).Resources).map(([id, { Type: type, Properties: properties }]) => ({
    id,
    type,
    properties,
  }));
}

/** The logical id of the resource that a value takes an attribute of. */
export function referred(value: unknown): string | undefined {
  return reference.safeParse(value).data?.["Fn::GetAtt"]?.[0];
}
