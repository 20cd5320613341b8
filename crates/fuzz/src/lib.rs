//! Runs fuzz bodies for a bounded time on seeded changes of real samples.
//!
//! A body is an ordinary function that takes any bytes and panics only when a promise is broken. What broke one is saved
//! in `tests/seeds/NAME/` of its crate and is run first from then on.
//!
//! `CONFAB_FUZZ_SECONDS` is the time of each target (a second without it, 40 with `CONFAB_FULL=1`), `CONFAB_FUZZ_SEED`
//! begins with other changes.

mod mutation;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub use mutation::Random;

/// An input that takes longer than this, three times over, is a finding: it would hold up a whole server.
const TOO_SLOW: Duration = Duration::from_secs(1);

/// Seconds of one target in quick runs, and in full ones: ten minutes in all.
const QUICK: f64 = 1.0;
const FULL: f64 = 40.0;

/// One target.
pub struct Target {
    name: &'static str,
    seeds: PathBuf,
    samples: Vec<Vec<u8>>,
    longest: usize,
}

impl Target {
    /// `manifest` is the crate's `env!("CARGO_MANIFEST_DIR")`.
    pub fn new(manifest: &str, name: &'static str) -> Self {
        Self { name, seeds: Path::new(manifest).join("tests/seeds").join(name), samples: Vec::new(), longest: 1_500 }
    }

    /// Real inputs to begin with.
    #[must_use]
    pub fn samples(mut self, samples: impl IntoIterator<Item = Vec<u8>>) -> Self {
        self.samples.extend(samples);
        self
    }

    /// Longest input, bytes; that of a datagram otherwise.
    #[must_use]
    pub fn longest(mut self, bytes: usize) -> Self {
        self.longest = bytes;
        self
    }

    /// Runs what broke something once, the samples, then changes of them until the time is over.
    ///
    /// # Panics
    /// When the body does, with the file that holds the input.
    pub fn run(self, body: impl Fn(&[u8])) {
        for seed in self.saved() {
            self.check(&seed, &body);
        }
        for sample in &self.samples {
            self.check(sample, &body);
        }
        let mut random = Random::new(number("CONFAB_FUZZ_SEED").unwrap_or(1.0) as u64);
        let end = Instant::now() + time();
        let mut cases = 0_u64;
        while Instant::now() < end {
            let input = mutation::input(&mut random, &self.samples, self.longest);
            self.check(&input, &body);
            cases += 1;
        }
        println!("{}: {cases} cases", self.name);
        assert!(cases > 0, "no time for a single case");
    }

    fn saved(&self) -> Vec<Vec<u8>> {
        let Ok(folder) = std::fs::read_dir(&self.seeds) else { return Vec::new() };
        let mut files: Vec<PathBuf> = folder.filter_map(|entry| Some(entry.ok()?.path())).collect();
        files.sort();
        files.iter().filter_map(|file| std::fs::read(file).ok()).collect()
    }

    fn check(&self, input: &[u8], body: &impl Fn(&[u8])) {
        let mut quickest = Duration::MAX;
        for _ in 0..3 {
            let begun = Instant::now();
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| body(input))) {
                self.save(input);
                resume_unwind(panic);
            }
            quickest = quickest.min(begun.elapsed());
            if quickest < TOO_SLOW {
                return;
            }
        }
        self.save(input);
        panic!("{}: one input takes {quickest:?}", self.name);
    }

    /// Named by its content, so that finding it again makes no second file.
    fn save(&self, input: &[u8]) {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for byte in input {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
        let file = self.seeds.join(format!("{hash:016x}.bin"));
        let written = std::fs::create_dir_all(&self.seeds).and_then(|()| std::fs::write(&file, input));
        match written {
            Ok(()) => eprintln!("{}: the input is in {}", self.name, file.display()),
            Err(error) => eprintln!("{}: the input could not be saved ({error}): {input:02x?}", self.name),
        }
    }
}

fn time() -> Duration {
    let full = std::env::var_os("CONFAB_FULL").is_some_and(|value| value != "0");
    Duration::from_secs_f64(number("CONFAB_FUZZ_SECONDS").unwrap_or(if full { FULL } else { QUICK }))
}

fn number(variable: &str) -> Option<f64> {
    std::env::var(variable).ok()?.parse().ok().filter(|number: &f64| *number >= 0.0 && number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_breaks_a_body_is_saved_and_found_again() {
        let folder = std::env::temp_dir().join(format!("confab-fuzz-{}", std::process::id()));
        let manifest = folder.to_str().unwrap();
        let body = |bytes: &[u8]| assert!(bytes.first() != Some(&7), "seven");
        let target = || Target::new(manifest, "sevens").samples([vec![3, 4, 5]]);
        assert!(catch_unwind(|| target().run(body)).is_err(), "a second is enough to find one value of a byte");
        let saved = target().saved();
        assert_eq!(saved.len(), 1);
        assert_eq!(saved[0][0], 7);
        let again = catch_unwind(|| target().run(|bytes| assert!(bytes.first() != Some(&7))));
        assert!(again.is_err() && target().saved().len() == 1);
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn the_same_seed_makes_the_same_inputs_none_too_long() {
        let samples = [vec![1; 90], vec![2; 5], Vec::new()];
        let inputs = |seed| {
            let mut random = Random::new(seed);
            (0..500).map(|_| mutation::input(&mut random, &samples, 100)).collect::<Vec<_>>()
        };
        assert_eq!(inputs(1), inputs(1));
        assert_ne!(inputs(1), inputs(2));
        assert!(inputs(3).iter().all(|input| input.len() <= 100));
    }
}
