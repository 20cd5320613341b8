/** What the stage shows: who, and where each stands. The pure parts put together with a clock. */
import { useLayoutEffect, type RefObject } from "react";
import type { CallLayout } from "../../bridge/commands";
import type { ParticipantId, ParticipantInfo } from "../../bridge/protocol.generated";
import type { CallState } from "../../state/call_state";
import { sharers } from "../../state/people";
import type { Rect } from "../grid";
import { useWake } from "../use_wake";
import { followSpeech, nextSpeech, NO_LARGE, type LargePicture } from "./large";
import { planStage, seatsOf, withLargeFirst, type StagePlan } from "./plan";
import { exchange, follow, nextChange, NO_SEATING, pinnedFirst, type Seating } from "./seating";
import type { Size } from "./use_size";

export interface StageTile {
  /** Unique among the tiles. */
  key: string;
  kind: "person" | "share";
  participant: ParticipantInfo;
  rect: Rect;
}

export interface Arrangement {
  plan: StagePlan;
  tiles: readonly StageTile[];
  /** Whose screen is large. */
  sharer: ParticipantInfo | null;
}

/** What of the arrangement outlasts the stage, which the mini window takes away. */
export interface KeptSeats {
  seating: Seating;
  speech: LargePicture;
}

export const NO_SEATS: KeptSeats = { seating: NO_SEATING, speech: NO_LARGE };

interface ArrangementInput {
  kept: RefObject<KeptSeats>;
  call: CallState;
  layout: CallLayout;
  hideSelf: boolean;
  size: Size;
  page: number;
  band: number;
}

export function useArrangement({ kept, call, layout, hideSelf, size, page, band }: ArrangementInput): Arrangement {
  const { participants, speaking, me, pinned } = call;
  const now = Date.now();
  const followed = follow(kept.current.seating, participants, speaking, me, now);
  const speech = followSpeech(kept.current.speech, followed.order.filter((id) => !followed.left.has(id)), speaking, now);
  const shares = sharers(participants, call.shares);
  const sharer = shares.find(({ id }) => id === call.largeShare) ?? shares[0] ?? null;
  const own = hideSelf ? undefined : participants.find(({ id }) => id === me);
  const plan = planStage({
    layout, others: followed.order.length, withSelf: own !== undefined, shares: shares.length, width: size.width, height: size.height, page, band,
  });
  const pinnedOther = pinned !== null && followed.order.includes(pinned) ? pinned : null;
  // Who speaks comes to the large place; beside it only a pin makes exchanges needed.
  const room = plan.large === null ? plan.first : pinnedOther === null ? Number.POSITIVE_INFINITY : plan.first + 1;
  const seating = exchange(followed, room, pinnedOther, now);
  useLayoutEffect(() => { kept.current = { seating, speech }; });
  const times = [nextChange(seating, room, pinnedOther, now), plan.large === null ? null : nextSpeech(speech)].filter((time) => time !== null);
  useWake(times.length === 0 ? null : Math.min(...times));

  let seats = pinnedFirst(seating.order, pinnedOther);
  if (plan.large !== null) seats = withLargeFirst(seats, seats.indexOf(pinnedOther ?? speech.shown ?? ""));
  const tiles = size.width === 0 ? [] : placeTiles(plan, seats, shares.filter((share) => share !== sharer), own, participants);
  return { plan, tiles, sharer };
}

function placeTiles(
  plan: StagePlan,
  seats: readonly ParticipantId[],
  furtherShares: readonly ParticipantInfo[],
  own: ParticipantInfo | undefined,
  participants: readonly ParticipantInfo[],
): StageTile[] {
  const people = new Map(participants.map((participant) => [participant.id, participant]));
  const tiles: StageTile[] = [];
  // A seat whose person has just left stays empty until its gap closes.
  const put = (kind: StageTile["kind"], participant: ParticipantInfo | undefined, rect: Rect | undefined | null): void => {
    if (participant !== undefined && rect !== undefined && rect !== null) tiles.push({ key: kind === "share" ? `${participant.id}/screen` : participant.id, kind, participant, rect });
  };
  if (plan.large !== null) put("person", people.get(seats[0] ?? ""), plan.large);
  const small = plan.large === null ? seats : seats.slice(1);
  const shareTiles = plan.page === 0 ? furtherShares.slice(0, plan.shareTiles) : [];
  shareTiles.forEach((share, index) => put("share", share, plan.places[index]));
  const shown = seatsOf(small, plan);
  shown.forEach((id, index) => put("person", people.get(id), plan.places[shareTiles.length + index]));
  if (own !== undefined) {
    if (plan.corner !== null) put("person", own, plan.corner);
    else if (plan.page === 0 && plan.selfTile) put("person", own, plan.places[shareTiles.length + shown.length]);
  }
  return tiles;
}
