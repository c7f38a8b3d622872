import * as z from "zod";

/** A JSON value of the document. */
export type Json = string | number | boolean | null | Json[] | JsonObject;
export interface JsonObject {
  [name: string]: Json;
}

/** Schemas of the document: those that have an id become components, and are referred to. */
export class SchemaComponents {
  readonly #components = new Map<string, Json>();

  /** What a body is, as it is sent: what has a default need not be there. */
  ofBody(schema: z.ZodType): Json {
    return this.#describe(schema, "input");
  }

  /** What a parameter is when it has been read: a number, not the text that spells it. */
  ofParameter(schema: z.ZodType): Json {
    return this.#describe(schema, "output");
  }

  all(): JsonObject {
    return Object.fromEntries([...this.#components].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** JSON Schema 2020-12 is what OpenAPI 3.1 takes. A field is asked for, since only fields are references. */
  #describe(schema: z.ZodType, io: "input" | "output"): Json {
    const described = z.toJSONSchema(z.object({ it: schema }), {
      io,
      override: ({ jsonSchema }) => {
        // The pattern says no more than the format does, in 300 characters.
        if (jsonSchema.format === "date-time") delete jsonSchema.pattern;
        // No format of JSON Schema's; there is a pattern beside it.
        if (jsonSchema.format === "starts_with") delete jsonSchema.format;
        // Bounds of JavaScript's whole numbers, which say nothing of ours.
        if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
        if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
        delete jsonSchema.id;
      },
    });
    const { properties, $defs }: { properties?: { it?: Json }; $defs?: JsonObject } = JSON.parse(
      JSON.stringify(described).replaceAll('"#/$defs/', '"#/components/schemas/'),
    );
    for (const [id, definition] of Object.entries($defs ?? {})) this.#components.set(id, definition);
    return properties?.it ?? {};
  }
}
