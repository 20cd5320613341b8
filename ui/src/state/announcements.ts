/** What a screen reader is told about a change. Pure; gathering over time is the Announcer's. */
import type { AppState } from "./app_state";
import { sends } from "./people";
import { words } from "../words";

export type Announcement =
  | { urgency: "gathered"; kind: "joined" | "left" | "reacted"; name: string }
  | { urgency: "polite" | "assertive"; text: string };

/** With the setting `few`, who joined, left and raised a hand is left out; the rest is news for everybody. */
export function announcements(before: AppState, after: AppState): Announcement[] {
  const was = before.call;
  const is = after.call;
  if (was === null || is === null || was === is || was.me !== is.me) return [];
  const found: Announcement[] = [];
  if (was.phase.phase !== is.phase.phase) {
    if (is.phase.phase === "reconnecting") found.push({ urgency: "assertive", text: words.announce.offline });
    else if (was.phase.phase === "reconnecting" && is.phase.phase === "joined") {
      found.push({ urgency: "polite", text: words.announce.back });
    }
  }
  const all = after.settings.announcements === "all";
  if (was.participants !== is.participants) {
    const known = new Map(was.participants.map((participant) => [participant.id, participant]));
    for (const participant of is.participants) {
      if (participant.id === is.me) continue;
      const earlier = known.get(participant.id);
      if (earlier === undefined) {
        if (all) found.push({ urgency: "gathered", kind: "joined", name: participant.name });
        continue;
      }
      if (all && earlier.hand_raised_at === null && participant.hand_raised_at !== null) {
        found.push({ urgency: "polite", text: words.announce.raised(participant.name) });
      }
      if (!sends(earlier, "screen") && sends(participant, "screen")) {
        found.push({ urgency: "polite", text: words.announce.shares(participant.name) });
      }
    }
    const now = new Set(is.participants.map(({ id }) => id));
    for (const participant of was.participants) {
      if (all && !now.has(participant.id)) found.push({ urgency: "gathered", kind: "left", name: participant.name });
    }
  }
  if (was.reactions !== is.reactions) {
    for (const { participant } of is.reactions.filter((reaction) => !was.reactions.includes(reaction))) {
      const name = is.participants.find(({ id }) => id === participant)?.name;
      if (name !== undefined && participant !== is.me) found.push({ urgency: "gathered", kind: "reacted", name });
    }
  }
  if (is.panel !== "chat" && is.chatState.unread > was.chatState.unread) {
    const newest = is.chatState.messages.at(-1);
    if (newest !== undefined) found.push({ urgency: "polite", text: words.announce.chat(newest.username, newest.content) });
  }
  return found;
}

/** The sentences for gathered joins and leaves. */
export function gatheredSentences(gathered: readonly Announcement[]): string[] {
  const names = (kind: "joined" | "left" | "reacted"): string[] =>
    gathered.flatMap((entry) => (entry.urgency === "gathered" && entry.kind === kind ? [entry.name] : []));
  const reacted = [...new Set(names("reacted"))];
  const joined = names("joined");
  const left = names("left");
  return [
    ...(joined.length > 0 ? [words.announce.joined(joined)] : []),
    ...(left.length > 0 ? [words.announce.left(left)] : []),
    ...(reacted.length > 0 ? [words.announce.reacted(reacted)] : []),
  ];
}
