/** The microphone's level: changes 30 times a second, so it goes past React to the few elements that show it. */
export class LevelSignal {
  private current = 0;
  private readonly listeners = new Set<(level: number) => void>();

  get value(): number {
    return this.current;
  }

  set(level: number): void {
    this.current = Math.min(1, Math.max(0, level));
    for (const listener of this.listeners) listener(this.current);
  }

  subscribe(listener: (level: number) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}

/** Speech lies between -60 and -6 dB of full scale; this spreads it over the whole meter. */
export function meterShare(level: number): number {
  if (level <= 0.001) return 0;
  return Math.min(1, Math.max(0, (20 * Math.log10(level) + 60) / 54));
}

/** From this share of the meter on, a sound counts as speech. */
export const HEARD = 0.35;
