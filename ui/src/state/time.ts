/** The clock within React, and how durations are written. */
import { useEffect, useState } from "react";

/** The time now, milliseconds since 1970 UTC, anew every `everyMs`. */
export function useNow(everyMs = 1000): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

/** `0:07`, `24:16`, `1:02:03`. */
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const two = (value: number): string => String(value).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/** `10:48`, as the person's system writes it. */
export function clockTime(at: number): string {
  return new Date(at).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
}

/** "Today, 10:48", "Yesterday, 10:48", "21 November". */
export function dayAndTime(at: number, now: number): string {
  const day = (time: number): number => Math.floor((time - new Date(time).getTimezoneOffset() * 60_000) / 86_400_000);
  const days = day(now) - day(at);
  if (days === 0) return `Today, ${clockTime(at)}`;
  if (days === 1) return `Yesterday, ${clockTime(at)}`;
  return new Date(at).toLocaleDateString("en-GB", { day: "numeric", month: "long" });
}

/** "Saturday, 21 November". */
export function dayInWords(at: number): string {
  const weekday = new Date(at).toLocaleDateString("en-GB", { weekday: "long" });
  return `${weekday}, ${new Date(at).toLocaleDateString("en-GB", { day: "numeric", month: "long" })}`;
}
