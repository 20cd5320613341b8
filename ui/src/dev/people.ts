/** The made-up people and words of the scenes. */
import { fixtureMessage, fixturePerson } from "../bridge/fixture";
import type { ParticipantInfo } from "../bridge/protocol.generated";

export const INES = fixturePerson(1, "Ines Okafor", { role: "co_host" });
export const TOMAS = fixturePerson(2, "Tomas Lindqvist", { muted: ["microphone"], hand_raised_at: Date.now() - 72_000 });
export const MEI = fixturePerson(3, "Mei Tanaka", { muted: ["microphone"] });
export const RAJ = fixturePerson(4, "Raj Malhotra");
/** The person who looks at the window: her id is `FIXTURE_ME`. */
export const LENA = fixturePerson(5, "Lena Fischer", { role: "host" });
export const KOFI = fixturePerson(6, "Kofi Mensah", { muted: ["microphone", "camera"] });
export const ZOE = fixturePerson(7, "Zoë Almeida", { connection: "rejoining" });
/** A name that fits nowhere. */
export const LONG = fixturePerson(8, "Maximiliana Wolfeschlegelsteinhausenbergerdorff-Okonkwo", { muted: ["microphone", "camera"] });

export const FIVE = [INES, TOMAS, MEI, RAJ, LENA];
/** The same, and Ines shares her screen. */
export const SHARING = [fixturePerson(1, "Ines Okafor", { role: "co_host", adds: ["screen"] }), TOMAS, MEI, RAJ, LENA];

const FIRST = ["Amara", "Bruno", "Chloé", "Dmitri", "Esra", "Felipe", "Grace", "Hamid", "Ida", "Jonas", "Keiko"];
const LAST = ["Adeyemi", "Brandt", "Costa", "Duarte", "Eriksen", "Farouk"];

/** The five and so many others that there are `count`; most are silent, some without a picture. */
export function crowd(count: number): ParticipantInfo[] {
  const others = Array.from({ length: Math.max(0, count - FIVE.length) }, (_, index) =>
    fixturePerson(20 + index, `${FIRST[index % FIRST.length]} ${LAST[Math.floor(index / FIRST.length + index) % LAST.length]}`, {
      muted: index % 7 === 3 ? ["microphone", "camera"] : ["microphone"],
    }));
  return [...FIVE, ...others];
}

export const CHAT = [
  fixtureMessage(1, MEI, "Numbers for the rejoin time are in. The slow cases are all one router family.", 9),
  fixtureMessage(2, MEI, "The table is at https://example.org/rejoin-by-router", 9),
  fixtureMessage(3, TOMAS, "That is the one in my flat. I can reproduce it right now if it helps.", 6),
  fixtureMessage(4, LENA, "Good. Raj, please take the pager for the first hour on Monday.", 2),
];
