import { screen, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { fixturePerson } from "../bridge/fixture";
import { INES, LENA, openCall, TOMAS } from "../test_app";

const panel = (): HTMLElement => screen.getByRole("complementary", { name: "People" });

describe("the people panel", () => {
  it("has me first, then the others, with role and devices", async () => {
    const { user } = await openCall();
    await user.click(screen.getByRole("button", { name: "People, 3 in the call" }));
    const lines = within(panel()).getAllByRole("listitem");
    expect(lines.map((line) => line.querySelector(".med")?.textContent)).toEqual(["Lena Fischer", "Ines Okafor", "Tomas Lindqvist"]);
    expect(within(panel()).getByText("You · host")).toBeDefined();
    expect(within(panel()).getByText("Co-host")).toBeDefined();
    expect(within(lines[2] ?? panel()).getByRole("img", { name: "microphone off" })).toBeDefined();
    expect(within(lines[2] ?? panel()).getByRole("img", { name: "camera on" })).toBeDefined();
  });

  it("lists raised hands in their order, and counts them on its button", async () => {
    const { user, emit } = await openCall();
    await emit({
      type: "roster",
      participants: [fixturePerson(1, "Ines Okafor", { hand_raised_at: Date.now() - 5_000 }), fixturePerson(2, "Tomas Lindqvist", { hand_raised_at: Date.now() - 72_000 }), LENA],
    });
    await user.click(screen.getByRole("button", { name: "People, 3 in the call, 2 hands raised" }));
    const [first, second] = within(panel()).getAllByRole("list")[0]?.querySelectorAll("li") ?? [];
    expect(first?.textContent).toContain("Tomas Lindqvist");
    expect(first?.textContent).toContain("for 1:12");
    expect(second?.textContent).toContain("Ines Okafor");
  });

  it("says who is away, and is gone with them", async () => {
    const { user, emit } = await openCall();
    await user.click(screen.getByRole("button", { name: /^People/ }));
    await emit({ type: "roster", participants: [{ ...INES, connection: "rejoining" }, TOMAS, LENA] });
    expect(within(panel()).getByText("Rejoining: the network went away")).toBeDefined();
    await emit({ type: "roster", participants: [TOMAS, LENA] });
    expect(within(panel()).queryByText("Ines Okafor")).toBeNull();
  });

  it("says whose connection is weak and what that costs", async () => {
    const { user, emit } = await openCall();
    await user.click(screen.getByRole("button", { name: /^People/ }));
    await emit({ type: "quality", people: [{ participant: INES.id, quality: "weak" }] });
    expect(within(panel()).getByText("Weak connection: reduced picture, sound is fine")).toBeDefined();
  });

  it("gives the link to invite others, and closes", async () => {
    const { user, bridge } = await openCall();
    await user.click(screen.getByRole("button", { name: /^People/ }));
    await user.click(screen.getByRole("button", { name: "Invite" }));
    expect(bridge.copied).toHaveLength(1);
    await user.click(within(panel()).getByRole("button", { name: "Close" }));
    expect(screen.queryByRole("complementary")).toBeNull();
  });
});
