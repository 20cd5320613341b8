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

/** From this level on, -42 dB of full scale, a sound counts as heard. */
export const HEARD = 0.3;
