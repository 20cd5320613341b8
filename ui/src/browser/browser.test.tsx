import { act, screen, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { openCall, openWindow } from "../test_app";
import { words } from "../words";

describe("the window as a page in a browser", () => {
  it("offers no hosting, and says whose server new meetings are made on", async () => {
    const { session } = await openWindow((bridge) => { bridge.platform = "browser"; });
    expect(screen.queryByText(words.host.heading)).toBeNull();
    expect(screen.getByText(words.browser.pageServer)).toBeTruthy();
    await act(async () => session.openSettings("servers"));
    expect(screen.queryByText(words.host.heading)).toBeNull();
    expect(screen.getByText(words.browser.pageServer)).toBeTruthy();
  });

  it("makes no new meeting by the keyboard either, where the button for it is missing", async () => {
    const { user } = await openWindow((bridge) => { bridge.platform = "browser"; });
    await user.keyboard("{Control>}n{/Control}");
    expect(screen.queryByRole("heading", { name: words.preview.headingStart })).toBeNull();
    expect(screen.getByText(words.browser.pageServer)).toBeTruthy();
  });

  it("offers no window above others", async () => {
    const { session } = await openWindow((bridge) => { bridge.platform = "browser"; });
    await act(async () => session.openSettings("appearance"));
    expect(screen.getByText(words.settings.appearance.language)).toBeTruthy();
    expect(screen.queryByText(words.settings.appearance.onTop)).toBeNull();
  });

  it("offers no small window and no figures in a call, but the whole screen", async () => {
    const { user } = await openCall(undefined, (bridge) => { bridge.platform = "browser"; });
    await user.click(screen.getByRole("button", { name: words.view.button }));
    const menu = within(screen.getByRole("menu"));
    expect(menu.getByText(words.view.fullScreen)).toBeTruthy();
    expect(menu.queryByText(words.view.mini)).toBeNull();
    expect(menu.queryByText(words.more.statistics)).toBeNull();
  });

  it("offers no test devices", async () => {
    const { user } = await openCall(undefined, (bridge) => { bridge.platform = "browser"; });
    await user.click(screen.getByRole("button", { name: words.dock.microphoneMenu }));
    expect(screen.queryByText(words.devices.testSound)).toBeNull();
    expect(screen.getByText(words.devices.none.microphone)).toBeTruthy();
  });
});
