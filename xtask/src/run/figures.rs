//! What two people saw and heard of each other, read from what they wrote at the end, as one sentence.

use std::path::Path;

use serde_json::Value;

use crate::Outcome;

/// Less than this of a voice is not heard, milliseconds: the first second of the ten is the join's.
const HEARD_MS: u64 = 1_000;

/// What one person got of the other.
#[derive(Clone, Debug)]
pub struct Received {
    /// Pictures a second, from the fifth second on; `None` when no picture came.
    pictures: Option<f64>,
    lines: u64,
    missing: u64,
    frozen_s: f64,
    heard: bool,
}

impl Received {
    /// Reads what `confab-cli join --stats` wrote.
    pub fn read(path: &Path) -> Outcome<Self> {
        let wrong = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let text = std::fs::read_to_string(path).map_err(|error| wrong(&error))?;
        let stats: Value = serde_json::from_str(&text).map_err(|error| wrong(&error))?;
        Ok(Self::of(&stats))
    }

    fn of(written: &Value) -> Self {
        let camera = written["summary"].as_array().into_iter().flatten().find(|picture| picture["source"] == "camera");
        let camera = camera.unwrap_or(&Value::Null);
        let voices = written["stats"]["voices"].as_array().into_iter().flatten();
        Self {
            pictures: camera["fps"].as_f64(),
            lines: camera["height"].as_u64().unwrap_or(0),
            missing: camera["missing"].as_u64().unwrap_or(0),
            frozen_s: camera["frozen_s"].as_f64().unwrap_or(0.0),
            heard: voices.filter_map(|voice| voice["played_ms"].as_u64()).any(|played| played >= HEARD_MS),
        }
    }
}

/// Ada's call with Ben.
pub struct Meeting {
    /// What Ada got of Ben.
    pub ada: Received,
    /// What Ben got of Ada.
    pub ben: Received,
}

impl Meeting {
    /// One sentence for a person; `Err` when the two did not meet.
    pub fn in_words(&self) -> Outcome<String> {
        for (one, other, got) in [("Ada", "Ben", &self.ada), ("Ben", "Ada", &self.ben)] {
            if got.pictures.is_none() {
                return Err(format!("{one} did not see {other}"));
            }
            if !got.heard {
                return Err(format!("{one} did not hear {other}"));
            }
        }
        let both = [&self.ada, &self.ben];
        let pictures = both.iter().filter_map(|got| got.pictures).fold(f64::INFINITY, f64::min);
        let lines = both.iter().map(|got| got.lines).min().unwrap_or(0);
        Ok(format!(
            "Ada and Ben saw each other at {pictures:.0} pictures a second in {lines} lines and heard each other; {}.",
            self.lost()
        ))
    }

    fn lost(&self) -> String {
        let missing = self.ada.missing + self.ben.missing;
        let frozen = self.ada.frozen_s.max(self.ben.frozen_s);
        let pictures = match missing {
            0 => "nothing was missing".to_owned(),
            1 => "1 picture was missing".to_owned(),
            more => format!("{more} pictures were missing"),
        };
        if frozen >= 0.05 { format!("{pictures}, and the picture stood still for {frozen:.1} s") } else { pictures }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn received(missing: u64, frozen_s: f64) -> Received {
        Received::of(&json!({
            "stats": { "voices": [{ "played_ms": 8_400 }] },
            "summary": [{ "source": "camera", "height": 720, "fps": 29.97, "frozen_s": frozen_s, "missing": missing }],
        }))
    }

    #[test]
    fn a_good_meeting_is_one_sentence_of_its_figures() {
        let met = Meeting { ada: received(0, 0.0), ben: received(0, -0.0) };
        let words = "Ada and Ben saw each other at 30 pictures a second in 720 lines and heard each other; nothing was missing.";
        assert_eq!(met.in_words().as_deref(), Ok(words));
    }

    #[test]
    fn what_was_lost_is_said() {
        let met = Meeting { ada: received(1, 0.0), ben: received(2, 0.42) };
        let words = met.in_words().expect("they met");
        assert!(words.ends_with("3 pictures were missing, and the picture stood still for 0.4 s."), "{words}");
    }

    #[test]
    fn who_did_not_see_or_hear_the_other_makes_the_demonstration_fail() {
        let nothing = Received::of(&json!({ "stats": { "voices": [] }, "summary": [] }));
        let met = Meeting { ada: received(0, 0.0), ben: nothing.clone() };
        assert_eq!(met.in_words(), Err("Ben did not see Ada".into()));
        let met = Meeting { ada: Received { heard: false, ..received(0, 0.0) }, ben: nothing };
        assert_eq!(met.in_words(), Err("Ada did not hear Ben".into()));
    }
}
