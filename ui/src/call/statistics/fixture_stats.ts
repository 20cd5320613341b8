/** Made-up figures for tests. */
import type { CallStats } from "../../bridge/call.generated";

export function fixtureStats(participant: string): CallStats {
  return {
    unix_ms: Date.UTC(2026, 10, 24, 10, 48),
    join: { joined_ms: 120, connected_ms: 240, audio_ms: 400, video_ms: 480, video_720p_ms: 900 },
    connection: {
      round_trip_ms: 24.4, signal_round_trip_ms: 25, estimate_bps: 3_140_000, packets_sent: 9000, bytes_sent: 8_000_000, packets_received: 9000,
      bytes_received: 8_000_000, packets_missing: 3, repairs_asked: 3, packets_repaired: 3, repairs_asked_of_us: 0, repairs_sent: 0,
      events_dropped: 0, outgoing_dropped: 0, outgoing_loss: 0.012, queue_ms: 3, reconnects: 1,
    },
    sending: [
      { source: "camera", layer: "f", width: 1280, height: 720, fps: 29.8, bitrate_bps: 1_420_000, target_bps: 1_500_000, encode_ms: 6.2, keyframes: 3, frames: 900, watched: true },
      { source: "camera", layer: "q", width: 320, height: 180, fps: 30, bitrate_bps: 0, target_bps: 150_000, encode_ms: 1, keyframes: 3, frames: 900, watched: false },
    ],
    voice: { packets: 1500, bitrate_bps: 32_000, level: 40, muted: false, started_unix_ms: null, echo_reduction_db: null, echo_delay_ms: null, delay_ms: 22 },
    pictures: [{
      participant, source: "camera", width: 640, height: 360, fps: 30, bitrate_bps: 512_000, frames: 990, frames_lost: 10, frames_damaged: 0,
      frames_skipped: 0, keyframes_asked: 1, freezes: 0, frozen_ms: 0, assemble_ms: 8, decode_ms: 4,
    }],
    voices: [
      { participant, packets: 1490, packets_lost: 10, packets_late: 0, delay_ms: 62, played_ms: 30_000, concealed_ms: 20, recovered_ms: 0, stretched_ms: 0 },
      { participant: null, packets: 0, packets_lost: 0, packets_late: 0, delay_ms: 0, played_ms: 0, concealed_ms: 0, recovered_ms: 0, stretched_ms: 0 },
    ],
    speaker: { latency_ms: 18, pulls: 3000, longest_pull_ms: 1 },
  };
}
