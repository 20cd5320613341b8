//! Processes with a log file, lines that can be waited for, and a certain end.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::error::{LabError, Outcome};
use super::namespace::Namespace;

/// How much of a log an error message repeats.
const LOG_TAIL_LINES: usize = 12;

/// A process to be started. Its standard error goes to `NAME.log` in the experiment's folder.
#[derive(Debug)]
pub struct Process {
    command: Command,
    who: String,
    log: PathBuf,
}

impl Process {
    /// Describes a process; `who` names it in messages and names its log.
    pub fn new(program: &Path, who: &str, folder: &Path) -> Self {
        Self { command: Command::new(program), who: who.into(), log: folder.join(format!("{who}.log")) }
    }

    /// Describes a process that runs in a network namespace, when one is named.
    ///
    /// # Errors
    /// When the system's tool for namespaces is missing.
    pub fn new_in(namespace: Option<&str>, program: &Path, who: &str, folder: &Path) -> Outcome<Self> {
        let Some(namespace) = namespace else { return Ok(Self::new(program, who, folder)) };
        // It becomes the program, so that the process is the program's.
        let inside = Self::new(&super::programs::tool("ip")?, who, folder).args(["netns", "exec", namespace]);
        Ok(inside.args([program]))
    }

    /// Starts it inside a namespace.
    ///
    /// # Errors
    /// When there is no way in.
    pub fn inside(self, namespace: &Namespace) -> Outcome<Self> {
        let (entry, words) = namespace.entry()?;
        let mut command = Command::new(entry);
        command.args(words).arg(self.command.get_program()).args(self.command.get_args());
        Ok(Self { command, ..self })
    }

    /// Starts it on one processor core, where it stays.
    ///
    /// # Errors
    /// When the system's tool for that is missing.
    pub fn on_core(self, core: usize) -> Outcome<Self> {
        // It becomes the program, so that the process is the program's.
        let mut command = Command::new(super::programs::tool("taskset")?);
        command.args(["--cpu-list", &core.to_string()]);
        command.arg(self.command.get_program()).args(self.command.get_args());
        Ok(Self { command, ..self })
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.command.args(arguments);
        self
    }

    /// Adds environment variables.
    #[must_use]
    pub fn envs<K: AsRef<OsStr>, V: AsRef<OsStr>>(mut self, variables: impl IntoIterator<Item = (K, V)>) -> Self {
        self.command.envs(variables);
        self
    }

    /// Starts it.
    ///
    /// # Errors
    /// When the system cannot.
    pub fn start(mut self) -> Outcome<Running> {
        let fail = |error| LabError::io(format!("{} cannot be started", self.who), error);
        let log = File::options().create(true).append(true).open(&self.log).map_err(fail)?;
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
        let mut child = self.command.spawn().map_err(fail)?;
        let stdin = child.stdin.take();
        let output = Arc::new(Output::default());
        if let Some(stdout) = child.stdout.take() {
            let output = Arc::clone(&output);
            let copy = self.log.with_extension("out");
            std::thread::spawn(move || output.fill(BufReader::new(stdout), &copy));
        }
        Ok(Running { child, stdin, output, who: self.who, log: self.log })
    }
}

/// A line of standard output and when it came.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) at: Instant,
    pub(super) text: String,
}

#[derive(Debug, Default)]
struct Output {
    state: Mutex<OutputState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct OutputState {
    lines: Vec<Line>,
    ended: bool,
}

impl Output {
    fn lock(&self) -> MutexGuard<'_, OutputState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fill(&self, reader: impl BufRead, copy: &Path) {
        let mut copy = File::options().create(true).append(true).open(copy).ok();
        for text in reader.lines().map_while(Result::ok) {
            if let Some(copy) = &mut copy {
                // The copy is for people who look into a failure; losing it changes no verdict.
                let _ = writeln!(copy, "{text}");
            }
            self.lock().lines.push(Line { at: Instant::now(), text });
            self.changed.notify_all();
        }
        self.lock().ended = true;
        self.changed.notify_all();
    }
}

/// A process under way. Dropping it kills it.
#[derive(Debug)]
pub struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    output: Arc<Output>,
    who: String,
    log: PathBuf,
}

impl Running {
    /// Its name in messages.
    pub fn who(&self) -> &str {
        &self.who
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Writes a line to its standard input.
    ///
    /// # Errors
    /// When it reads no more.
    pub fn write_line(&mut self, line: &str) -> Outcome {
        let fail = |error| LabError::io(format!("{} does not take \u{201c}{line}\u{201d}", self.who), error);
        let stdin = self.stdin.as_mut().ok_or_else(|| LabError::Unexpected(format!("{} has no input", self.who)))?;
        writeln!(stdin, "{line}").and_then(|()| stdin.flush()).map_err(fail)
    }

    /// Waits until a line satisfies `read`, those that came before included, from line number `from` on. Gives the
    /// number of that line and what was read.
    pub(super) fn wait_for_line<T>(
        &self,
        what: &str,
        within: Duration,
        from: usize,
        mut read: impl FnMut(&Line) -> Option<T>,
    ) -> Outcome<(usize, T)> {
        let deadline = Instant::now() + within;
        let mut next = from;
        let mut state = self.output.lock();
        loop {
            while next < state.lines.len() {
                if let Some(found) = read(&state.lines[next]) {
                    return Ok((next, found));
                }
                next += 1;
            }
            if state.ended {
                drop(state);
                return Err(self.ended_early(what));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                drop(state);
                let (who, what) = (self.who.clone(), what.to_owned());
                return Err(LabError::TimedOut { who, what, within, seen: self.last_words() });
            }
            state = self.output.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Everything it has written to its standard output so far.
    pub fn output(&self) -> String {
        self.lines_from(0).into_iter().map(|line| line.text + "\n").collect()
    }

    /// All lines so far from number `from` on.
    pub(super) fn lines_from(&self, from: usize) -> Vec<Line> {
        self.output.lock().lines.get(from..).unwrap_or_default().to_vec()
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// [`LabError::TimedOut`] when it goes on.
    pub fn wait(&mut self, within: Duration) -> Outcome<ExitStatus> {
        let deadline = Instant::now() + within;
        loop {
            let ended = self.child.try_wait().map_err(|error| LabError::io(self.who.clone(), error))?;
            if let Some(status) = ended {
                return Ok(status);
            }
            if Instant::now() >= deadline {
                let (who, what) = (self.who.clone(), "its end".into());
                return Err(LabError::TimedOut { who, what, within, seen: self.last_words() });
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits for its end and wants success.
    ///
    /// # Errors
    /// [`LabError::Ended`] when it failed, [`LabError::TimedOut`] when it goes on.
    pub fn succeed(&mut self, within: Duration) -> Outcome {
        let status = self.wait(within)?;
        if status.success() {
            return Ok(());
        }
        Err(LabError::Ended { who: self.who.clone(), how: status.to_string(), seen: self.last_words() })
    }

    /// Ends it at once, as a crash or the system would (SIGKILL).
    pub fn kill(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks it to end (SIGTERM).
    ///
    /// # Errors
    /// When `kill` cannot be started.
    pub fn terminate(&self) -> Outcome {
        self.signal("TERM")
    }

    /// Asks it to end as Ctrl-C does (SIGINT).
    ///
    /// # Errors
    /// When `kill` cannot be started.
    pub fn interrupt(&self) -> Outcome {
        self.signal("INT")
    }

    /// Lets it do nothing for so long, as a busy machine does (SIGSTOP, SIGCONT).
    ///
    /// # Errors
    /// When it did not stop.
    pub fn stand_still(&self, time: Duration) -> Outcome {
        self.signal("STOP")?;
        std::thread::sleep(time);
        let state = std::fs::read_to_string(format!("/proc/{}/stat", self.id())).unwrap_or_default();
        self.signal("CONT")?;
        if state.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('T')) {
            return Ok(());
        }
        Err(LabError::Ended { who: self.who.clone(), how: "did not stop".into(), seen: state })
    }

    fn signal(&self, name: &str) -> Outcome {
        let status = Command::new("kill").args(["-s", name, &self.id().to_string()]).status();
        match status.map_err(|error| LabError::io("kill", error))? {
            status if status.success() => Ok(()),
            status => {
                Err(LabError::Ended { who: format!("kill -s {name}"), how: status.to_string(), seen: String::new() })
            }
        }
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    fn ended_early(&self, what: &str) -> LabError {
        let how = format!("before {what} happened");
        LabError::Ended { who: self.who.clone(), how, seen: self.last_words() }
    }

    /// The end of its log, for error messages.
    fn last_words(&self) -> String {
        let log = std::fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let mut lines: Vec<String> = log.lines().map(str::to_owned).collect();
        lines.extend(self.lines_from(0).into_iter().map(|line| line.text).filter(|text| text.len() < 1_000));
        let start = lines.len().saturating_sub(LOG_TAIL_LINES);
        if lines.is_empty() { "It said nothing.".into() } else { format!("It said:\n{}", lines[start..].join("\n")) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}
