import { beforeEach, expect, test } from "vitest";
import type { Tokens } from "../../../cloud/ports/tokens.ts";
import { scopes, type Token } from "../../../fleet/token.ts";

export function token(number: number, changes: Partial<Token> = {}): Token {
  return {
    id: String(number).padStart(16, "0"),
    name: `ci-${number}`,
    scopes: ["build:read", "store:write"],
    sha256: String(number).padStart(64, "a"),
    createdAt: 1_000 + number,
    expiresAt: null,
    lastUsedAt: null,
    ...changes,
  };
}

/** What every adapter of Tokens must do. @param open makes an empty store */
export function tokensContract(open: () => Promise<{ tokens: Tokens }>): void {
  let tokens: Tokens;
  beforeEach(async () => {
    ({ tokens } = await open());
  });

  test.each([
    ["that was never used and never expires", {}],
    ["with all there can be", { scopes, expiresAt: 1_800_000_000_001, lastUsedAt: 1_700_000_000_000 }],
  ])("a token %s is kept whole", async (_, changes) => {
    expect(await tokens.create(token(1, changes))).toBe(true);
    expect(await tokens.get(token(1).id)).toEqual(token(1, changes));
    expect(await tokens.list()).toEqual([token(1, changes)]);
    expect(await tokens.get(token(2).id)).toBeUndefined();
  });

  test("one with an id that is taken changes nothing, and of many at once one is made", async () => {
    const names = Array.from({ length: 8 }, (_, number) => `n${number}`);
    const made = await Promise.all(names.map((name) => tokens.create(token(1, { name }))));
    expect(made.filter(Boolean)).toHaveLength(1);
    expect(await tokens.get(token(1).id)).toMatchObject({ name: names[made.indexOf(true)] });
    expect(await tokens.create(token(1, { scopes: ["admin"] }))).toBe(false);
    expect(await tokens.get(token(1).id)).toMatchObject({ scopes: token(1).scopes });
  });

  test("its last use moves forward only, and nothing else of it changes", async () => {
    await tokens.create(token(1, { expiresAt: 9_000 }));
    await tokens.touch(token(1).id, 2_000);
    expect(await tokens.get(token(1).id)).toEqual(token(1, { expiresAt: 9_000, lastUsedAt: 2_000 }));
    await tokens.touch(token(1).id, 1_000);
    expect(await tokens.get(token(1).id)).toMatchObject({ lastUsedAt: 2_000 });
    await Promise.all([4_000, 6_000, 3_000, 5_000].map((at) => tokens.touch(token(1).id, at)));
    expect(await tokens.get(token(1).id)).toEqual(token(1, { expiresAt: 9_000, lastUsedAt: 6_000 }));
  });

  test("one that was revoked is gone, and its use does not bring it back", async () => {
    for (const number of [1, 2]) await tokens.create(token(number));
    expect(await tokens.remove(token(1).id)).toBe(true);
    await tokens.touch(token(1).id, 5_000);
    expect(await tokens.get(token(1).id)).toBeUndefined();
    expect(await tokens.remove(token(1).id)).toBe(false);
    expect(await tokens.list()).toEqual([token(2)]);
  });

  test("the list begins with the oldest, and with the lower id of those of one moment", async () => {
    const made = [token(5, { createdAt: 30 }), token(3, { createdAt: 10 }), token(4, { createdAt: 20 })];
    const together = [token(9, { createdAt: 10 }), token(1, { createdAt: 10 })];
    await Promise.all([...made, ...together].map((each) => tokens.create(each)));
    expect((await tokens.list()).map(({ name }) => name)).toEqual(["ci-1", "ci-3", "ci-9", "ci-4", "ci-5"]);
  });

  test("the list of none is empty", async () => {
    expect(await tokens.list()).toEqual([]);
  });
}
