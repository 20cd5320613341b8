import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";

interface Message {
  cmd: string;
  callback: number;
  error: number;
  payload: unknown;
}

let gate: (message: Message) => Message;

/** What the program would be handed for this. */
function passed(cmd: unknown, payload: unknown): Message {
  return gate({ cmd: cmd as string, callback: 1, error: 2, payload });
}

const refused = { cmd: "refused_by_isolation", callback: 1, error: 2, payload: {} };

beforeAll(() => {
  // As the frame loads it: a script, not a module.
  new Function(readFileSync("isolation/hook.js", "utf8"))();
  gate = (window as unknown as { __TAURI_ISOLATION_HOOK__: typeof gate }).__TAURI_ISOLATION_HOOK__;
});

describe("the gate before the program", () => {
  it("lets through what the window says, unchanged", () => {
    const said = { content: "Hello" };
    expect(passed("chat_send", said)).toEqual({ cmd: "chat_send", callback: 1, error: 2, payload: said });
    expect(passed("call_leave", undefined).cmd).toBe("call_leave");
    expect(passed("plugin:event|listen", { event: "confab://event", target: { kind: "Any" }, handler: 3 }).cmd).toBe("plugin:event|listen");
    expect(passed("plugin:window|close", { label: "main" }).cmd).toBe("plugin:window|close");
  });

  it("knows every command of the contract with all its arguments, and no others", () => {
    const contract = readFileSync("src/bridge/commands.ts", "utf8").split("export interface Commands {")[1] ?? "";
    const told = [...contract.matchAll(/^  (\w+): \{ arguments: (?:Nothing|\{ (.*?) \}); answer: /gm)].map(([, name, fields = ""]) => [name, [...fields.matchAll(/(\w+)\??:/g)].map(([, field]) => field)]);
    const table = readFileSync("isolation/hook.js", "utf8");
    const known = [...table.matchAll(/^  (\w+): \[(.*)\],$/gm)].map(([, name, names = ""]) => [name, [...names.matchAll(/"(\w+)"/g)].map(([, field]) => field)]);
    expect(told.length).toBe([...contract.matchAll(/ arguments: /g)].length);
    expect(Object.fromEntries(known)).toEqual(Object.fromEntries(told));
  });

  it("refuses a command it does not know, and the caller hears of it", () => {
    for (const name of ["plugin:fs|read_file", "plugin:shell|execute", "quit", "__proto__", "constructor", "toString", "", null, 7, {}]) {
      expect(passed(name, {})).toEqual(refused);
    }
  });

  it("refuses arguments that a command does not have", () => {
    expect(passed("chat_send", { content: "Hello", as: "somebody else" })).toEqual(refused);
    expect(passed("call_leave", { code: "x" })).toEqual(refused);
    expect(passed("chat_send", ["Hello"])).toEqual(refused);
    expect(passed("chat_send", new Uint8Array(4))).toEqual(refused);
    expect(passed("chat_send", "Hello")).toEqual(refused);
  });

  it("refuses other events and other windows", () => {
    expect(passed("plugin:event|listen", { event: "tauri://drag-drop", target: {}, handler: 3 })).toEqual(refused);
    expect(passed("plugin:window|close", { label: "another" })).toEqual(refused);
  });

  it("refuses what is too long or cannot be written down", () => {
    expect(passed("chat_send", { content: "x".repeat(70_000) })).toEqual(refused);
    const circle: Record<string, unknown> = {};
    circle["content"] = circle;
    expect(passed("chat_send", circle)).toEqual(refused);
  });
});
