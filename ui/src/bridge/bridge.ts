/** The one door between the window and whatever carries the call: the native engine, a browser, or the fixture of tests. */
import type { BridgeError, BridgeEvent, CommandAnswer, CommandArguments, CommandName } from "./commands";
import type { FrameNews, ScenePicture } from "./scene";

export type WindowAction = "minimize" | "toggle_maximize" | "close";

/** One visible picture, at the size it is shown, in device pixels. */
export interface VisibleTile {
  key: string;
  width: number;
  height: number;
}

/** Where pictures come from. Messages are laid out as `call/frame_format.ts` says. */
export interface FrameChannel {
  /** Says which pictures are shown now; only those are sent. */
  show(tiles: readonly VisibleTile[]): void;
  /** Where the native side draws pictures itself: where they lie. */
  scene?(pictures: readonly ScenePicture[]): void;
  close(): void;
}

export interface Bridge {
  /** Runs a command. Rejects with a `BridgeError`. */
  call<Name extends CommandName>(name: Name, input: CommandArguments<Name>): Promise<CommandAnswer<Name>>;
  /** Hears every event until the returned function is called. */
  subscribe(listener: (event: BridgeEvent) => void): () => void;
  /** Opens the way of pictures. The buffer belongs to the receiver. News come only where the native side draws. */
  openFrames(onFrame: (message: ArrayBuffer) => void, onNews: (news: FrameNews) => void): FrameChannel;
  copyText(text: string): Promise<void>;
  windowAction(action: WindowAction): Promise<void>;
}

/** Whatever was thrown, as a `BridgeError`. */
export function asBridgeError(thrown: unknown): BridgeError {
  if (typeof thrown === "object" && thrown !== null && "code" in thrown && "message" in thrown) {
    const { code, message } = thrown;
    const field = "field" in thrown && typeof thrown.field === "string" ? thrown.field : null;
    return { code: String(code) as BridgeError["code"], message: String(message), field };
  }
  return { code: "internal", message: thrown instanceof Error ? thrown.message : String(thrown), field: null };
}
