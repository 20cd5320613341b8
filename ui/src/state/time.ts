/** The clock within React, and how times are written in the language of the window. */
import { useEffect, useState } from "react";
import { spoken, words } from "../words";

/** The time now, milliseconds since 1970 UTC, anew every `everyMs`. */
export function useNow(everyMs = 1000): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

/** `0:07`, `24:16`, `1:02:03`. The same in every language. */
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const two = (value: number): string => String(value).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/** `10:48`, as the language writes it. */
export function clockTime(at: number): string {
  return format(at, { hour: "2-digit", minute: "2-digit" });
}

/** "Today, 10:48", "Yesterday, 10:48", "21 November". */
export function dayAndTime(at: number, now: number): string {
  const day = (time: number): number => Math.floor((time - new Date(time).getTimezoneOffset() * 60_000) / 86_400_000);
  const days = day(now) - day(at);
  if (days === 0) return words.time.today(clockTime(at));
  if (days === 1) return words.time.yesterday(clockTime(at));
  return format(at, { day: "numeric", month: "long" });
}

/** "Saturday, 21 November", as the language writes it. */
export function dayInWords(at: number): string {
  return format(at, { weekday: "long", day: "numeric", month: "long" });
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** Making a format is slow, so each is kept. */
function format(at: number, how: Intl.DateTimeFormatOptions): string {
  const { locale } = spoken();
  const key = `${locale} ${JSON.stringify(how)}`;
  let known = formats.get(key);
  if (known === undefined) {
    known = new Intl.DateTimeFormat(locale, how);
    formats.set(key, known);
  }
  return known.format(at);
}
