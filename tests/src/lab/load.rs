//! Many light people, told when to send and when to rest.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::error::{LabError, Outcome};
use super::process::{Process, Running};
use super::programs::{program, tool};

const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// A load under way; dropping it kills it.
#[derive(Debug)]
pub struct Load {
    running: Running,
    next_line: usize,
}

/// What all its people have counted together. Repairs are left out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LoadCount {
    /// Media packets sent.
    pub sent: u64,
    /// Media packets that came, each receiver counted.
    pub arrived: u64,
}

impl Load {
    /// Starts `confab-cli load` with these arguments and waits until everybody is in.
    ///
    /// # Errors
    /// When nobody gets in, or not within this time.
    pub fn start(
        folder: &Path,
        namespace: Option<&str>,
        arguments: impl IntoIterator<Item = String>,
        within: Duration,
    ) -> Outcome<Self> {
        let process = Process::new_in(namespace, &program("confab-cli")?, "load", folder)?;
        Self::begin(process, arguments, within)
    }

    /// The same on one processor core, where it stays.
    ///
    /// # Errors
    /// As above.
    pub fn start_on_core(
        folder: &Path,
        core: usize,
        arguments: impl IntoIterator<Item = String>,
        within: Duration,
    ) -> Outcome<Self> {
        Self::begin(Process::new(&program("confab-cli")?, "load", folder).on_core(core)?, arguments, within)
    }

    /// As [`Self::start`], giving way to everybody else who wants the processor.
    ///
    /// # Errors
    /// As above.
    pub fn start_politely(
        folder: &Path,
        arguments: impl IntoIterator<Item = String>,
        within: Duration,
    ) -> Outcome<Self> {
        // It becomes the program, so that the process is the program's.
        let process = Process::new(&tool("nice")?, "load", folder).args(["-n", "10"]).args([program("confab-cli")?]);
        Self::begin(process, arguments, within)
    }

    fn begin(process: Process, arguments: impl IntoIterator<Item = String>, within: Duration) -> Outcome<Self> {
        let running = process.args(["load", "--control"]).args(arguments).start()?;
        let mut load = Self { running, next_line: 0 };
        load.state("measuring", within)?;
        Ok(load)
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.running.id()
    }

    /// What has been counted so far.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn count(&mut self) -> Outcome<LoadCount> {
        self.ask("count", "count")
    }

    /// Nobody sends until [`Self::resume`].
    ///
    /// # Errors
    /// When it does not answer.
    pub fn pause(&mut self) -> Outcome<LoadCount> {
        self.ask("pause", "paused")
    }

    /// Who sends sends again.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn resume(&mut self) -> Outcome<LoadCount> {
        self.ask("resume", "measuring")
    }

    /// Ends it and gives its report.
    ///
    /// # Errors
    /// When it failed, or people did not get in or did not stay.
    pub fn end(mut self) -> Outcome<Value> {
        self.running.write_line("end")?;
        self.running.succeed(Duration::from_secs(60))?;
        let is_report = |line: &super::process::Line| {
            let value: Value = serde_json::from_str(&line.text).ok()?;
            value.get("join_ms").is_some().then_some(value)
        };
        Ok(self.running.wait_for_line("its report", ANSWER_WITHIN, self.next_line, is_report)?.1)
    }

    fn ask(&mut self, wish: &str, state: &str) -> Outcome<LoadCount> {
        self.running.write_line(wish)?;
        self.state(state, ANSWER_WITHIN)
    }

    fn state(&mut self, state: &str, within: Duration) -> Outcome<LoadCount> {
        let read = |line: &super::process::Line| serde_json::from_str::<Value>(&line.text).ok();
        let (number, value) = self.running.wait_for_line(state, within, self.next_line, read)?;
        self.next_line = number + 1;
        if value["state"] != state {
            return Err(LabError::Unexpected(format!("the load said {value} instead of {state}")));
        }
        let of = |name: &str| value[name].as_u64().unwrap_or_default();
        Ok(LoadCount { sent: of("sent"), arrived: of("arrived") })
    }
}
