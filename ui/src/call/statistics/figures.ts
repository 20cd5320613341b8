/** From the call's figures to lines of words, for the panel and for the text report. Pure. */
import type { CallStats } from "../../bridge/call.generated";
import type { ParticipantInfo } from "../../bridge/protocol.generated";
import { words } from "../../words";

export interface Figure {
  name: string;
  value: string;
}

/** A table: its columns, and lines as long. */
export interface FigureTable {
  heading: string;
  columns: readonly string[];
  lines: readonly (readonly string[])[];
}

export interface Figures {
  connection: readonly Figure[];
  sending: FigureTable;
  receiving: FigureTable;
}

export function figuresOf(stats: CallStats, participants: readonly ParticipantInfo[]): Figures {
  const text = words.statistics;
  const { connection } = stats;
  // Who is not known has a number: beginnings of ids are alike for people who joined together.
  const ids = [...new Set([...stats.pictures, ...stats.voices].flatMap(({ participant }) => participant ?? []))];
  const nameOf = (id: string): string => participants.find((participant) => participant.id === id)?.name ?? `#${ids.indexOf(id) + 1}`;
  return {
    connection: [
      { name: text.roundTrip, value: connection.round_trip_ms === null ? text.unknown : milliseconds(connection.round_trip_ms) },
      { name: text.lossOut, value: percent(connection.outgoing_loss) },
      { name: text.estimate, value: bitRate(connection.estimate_bps) },
      { name: text.queue, value: milliseconds(connection.queue_ms) },
      { name: text.speaker, value: milliseconds(stats.speaker.latency_ms) },
      { name: text.reconnects, value: String(connection.reconnects) },
    ],
    sending: {
      heading: text.sending,
      columns: [text.what, text.size, text.fps, text.bitrate, text.encode],
      lines: [
        ...stats.sending.map((video) => [
          video.source === "screen" ? text.screen : text.camera(video.layer === null ? "" : text.layers[video.layer]),
          size(video),
          whole(video.fps),
          video.watched ? bitRate(video.bitrate_bps) : text.notWatched,
          milliseconds(video.encode_ms),
        ]),
        [text.microphone, "", "", stats.voice.muted ? words.call.muted : bitRate(stats.voice.bitrate_bps), milliseconds(stats.voice.delay_ms)],
      ],
    },
    receiving: {
      heading: text.receiving,
      columns: [text.what, text.size, text.fps, text.bitrate, text.delay, text.loss],
      lines: [
        ...stats.pictures.map((picture) => [
          picture.source === "screen" ? text.screenOf(nameOf(picture.participant)) : nameOf(picture.participant),
          size(picture),
          whole(picture.fps),
          bitRate(picture.bitrate_bps),
          milliseconds(picture.assemble_ms + picture.decode_ms),
          share(picture.frames_lost, picture.frames + picture.frames_lost),
        ]),
        ...stats.voices.flatMap((voice) => (voice.participant === null ? [] : [[
          text.voiceOf(nameOf(voice.participant)), "", "", "", milliseconds(voice.delay_ms), share(voice.packets_lost, voice.packets + voice.packets_lost),
        ]])),
      ],
    },
  };
}

/** The figures as text, to be pasted where help is asked for. Names of people are left out of it. */
export function reportOf(stats: CallStats): string {
  const { connection, sending, receiving } = figuresOf(stats, []);
  const table = ({ heading, columns, lines }: FigureTable): string[] => [
    "", heading, columns.join("\t"), ...(lines.length === 0 ? [words.statistics.nothing] : lines.map((line) => line.join("\t"))),
  ];
  return [
    words.statistics.report(new Date(stats.unix_ms).toISOString()),
    "",
    words.statistics.connection,
    ...connection.map(({ name, value }) => `${name}: ${value}`),
    ...table(sending),
    ...table(receiving),
    "",
  ].join("\n");
}

export function bitRate(bitsPerSecond: number): string {
  return bitsPerSecond < 1_000_000
    ? words.statistics.kilobits(Math.round(bitsPerSecond / 1000))
    : words.statistics.megabits((bitsPerSecond / 1_000_000).toFixed(1));
}

const milliseconds = (value: number): string => words.statistics.milliseconds(Math.round(value));
const whole = (value: number): string => String(Math.round(value));
const percent = (part: number): string => words.statistics.percent((part * 100).toFixed(1));
const share = (part: number, all: number): string => percent(all === 0 ? 0 : part / all);
const size = ({ width, height }: { width: number; height: number }): string => (width === 0 ? "" : `${width} × ${height}`);
