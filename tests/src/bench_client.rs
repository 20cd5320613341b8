//! What the app costs the computer of somebody in a call of five, beside Chromium in the same call at the same time.
//!
//! ```text
//!  confab (a window on a display of its own) --.
//!  chromium (the same)                         |-- one room on one confab-server
//!  confab-cli load --film, three people      --'
//! ```
//!
//! Both send 720 lines, since the three look at them in that size, and show the other four in tiles of 400 x 225, for
//! which they get 360 lines, and themselves. All processes of each are counted, their displays are not. Both encode and
//! decode H.264 and draw in software here.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::bench_sfu::median;
use crate::lab::{
    Browser, BrowserJoin, Desktop, Display, Lab, LabError, Load, Outcome, Process, Pulse, Server, program,
};
use crate::usage;

/// How it is measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ClientPlan {
    /// Windows measured.
    pub windows: usize,
    /// Length of each.
    pub window: Duration,
    /// After everybody is in: estimates grow to the size that is sent.
    pub settle: Duration,
    /// Warm starts measured.
    pub starts: usize,
    /// Calls that are tried when Chromium says that it lacked processor time.
    pub tries: usize,
}

impl Default for ClientPlan {
    fn default() -> Self {
        Self { windows: 3, window: Duration::from_secs(10), settle: Duration::from_secs(15), starts: 5, tries: 3 }
    }
}

/// A figure; `None` for one that could not be measured.
#[derive(Clone, PartialEq, Debug)]
pub struct ClientFigure {
    /// Its name.
    pub metric: &'static str,
    /// Its value.
    pub value: Option<f64>,
    /// Its unit; 1 for shares and ratios.
    pub unit: &'static str,
}

/// What is asked of a window in which everything is well.
const SOON: Duration = Duration::from_secs(60);

/// How uneven a display is on which more than a background is drawn, steps of brightness of 256.
const DRAWN: f64 = 2.0;

/// How often a display is photographed.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What one of the two spent in a window.
#[derive(Clone, Copy, Debug)]
struct Spent {
    cores: f64,
    /// Pictures of others drawn, a second, of each of the four.
    drawn_fps: f64,
    memory_kib: f64,
}

/// Measures, and tells each figure.
///
/// # Errors
/// When a program fails or people do not get in.
pub fn run(lab: &Lab, plan: &ClientPlan, mut tell: impl FnMut(ClientFigure)) -> Outcome {
    let server = lab.server()?;
    let pulse = Pulse::start(lab.folder())?;
    pulse.add_speaker("loudspeaker")?;
    pulse.add_microphone("headset")?;
    pulse.set_defaults("loudspeaker", "headset")?;
    let starts = starts(lab, plan, &server, &pulse)?;
    tell(ClientFigure { metric: "start_to_window_s", value: Some(median(&starts)), unit: "s" });
    for attempt in 1..=plan.tries {
        let mut call = Call::begin(lab, &server, &pulse)?;
        std::thread::sleep(plan.settle);
        let windows = (0..plan.windows).map(|_| call.window(plan.window)).collect::<Outcome<Vec<_>>>()?;
        call.display.screenshot(&lab.file("confab.png"))?;
        call.browser_display.screenshot(&lab.file("chromium.png"))?;
        let limited = call.limited()?;
        let sends = call.sends_720_lines()?;
        call.display.screenshot(&lab.file("statistics.png"))?;
        if limited.is_empty() && sends != (true, true) {
            return Err(LabError::Unexpected(format!("720 lines are to be sent by the app and Chromium: {sends:?}")));
        }
        if limited.is_empty() || attempt == plan.tries {
            figures(&windows, &call, limited.is_empty())?.into_iter().for_each(&mut tell);
            call.end()?;
            return Ok(());
        }
        eprintln!("Void: Chromium sends less than it would ({}). Trying again.", limited.join(", "));
        call.end()?;
    }
    Ok(())
}

/// Seconds from starting the app to the first photograph that shows more than a background. The first start is not
/// counted: it reads the program from the disk.
fn starts(lab: &Lab, plan: &ClientPlan, server: &Server, pulse: &Pulse) -> Outcome<Vec<f64>> {
    let mut taken = Vec::new();
    for number in 0..=plan.starts {
        let display = Display::start(lab.folder(), 1280, 720)?;
        let environment = Desktop::surroundings(lab.folder(), server.address(), &display, pulse);
        let begin = Instant::now();
        let mut app = Process::new(&program("confab")?, "start", lab.folder()).envs(environment).start()?;
        loop {
            let photograph = display.photograph()?;
            if photograph.unevenness_at((0, 0), photograph.width(), photograph.height()) > DRAWN {
                break;
            }
            if begin.elapsed() > SOON {
                return Err(LabError::Unexpected("the app's window stays empty".into()));
            }
            std::thread::sleep(LOOK_EVERY);
        }
        let took = begin.elapsed().as_secs_f64();
        if number > 0 {
            taken.push(took);
        }
        app.terminate()?;
        if app.wait(Duration::from_secs(5)).is_err() {
            app.kill();
        }
    }
    Ok(taken)
}

/// Five people in a call.
struct Call {
    display: Display,
    browser_display: Display,
    desktop: Desktop,
    app: u32,
    browser: Browser,
    load: Load,
}

impl Call {
    fn begin(lab: &Lab, server: &Server, pulse: &Pulse) -> Outcome<Self> {
        let (display, browser_display) =
            (Display::start(lab.folder(), 1280, 720)?, Display::start(lab.folder(), 1280, 720)?);
        let desktop = Desktop::open(lab.folder(), "Ada", server.address(), &display, pulse)?;
        let app = desktop.id()?;
        let room = desktop.start_meeting(SOON)?;
        let mut browser = lab.browser("Chloe").on_display(&browser_display).start()?;
        let shows = BrowserJoin { only_shows: true, ..BrowserJoin::simulcast("H264") };
        browser.join(server.address(), &room, &shows)?;
        browser.show(225)?;
        let address = server.address().to_string();
        let words = ["--server", &address, "--room", room.as_str(), "--people", "3", "--film", "--open-one-in", "10"];
        let rates = ["--video-kbps", "1700", "--fps", "30"];
        let arguments = words.into_iter().chain(rates).map(str::to_owned);
        let load = Load::start(lab.folder(), None, arguments, SOON)?;
        let call = Self { display, browser_display, desktop, app, browser, load };
        call.desktop.window().wait_until(".stage", SOON, |_| call.drawn().is_ok_and(|drawn| drawn.len() == 5))?;
        Ok(call)
    }

    /// Pictures the app has drawn, by tile.
    fn drawn(&self) -> Outcome<BTreeMap<String, f64>> {
        let script = "const { measured } = document.querySelector('canvas.video-surface');
            return Object.fromEntries(measured.drawnOf);";
        let value = self.desktop.window().run(script, &[])?;
        serde_json::from_value(value).map_err(|error| LabError::Unexpected(error.to_string()))
    }

    /// The app and Chromium in the same seconds.
    fn window(&mut self, length: Duration) -> Outcome<(Spent, Spent)> {
        let own = self.own_tile()?;
        let others = |drawn: &BTreeMap<String, f64>| -> f64 {
            drawn.iter().filter(|(key, _)| **key != own).map(|(_, count)| count).sum()
        };
        // Each count has the time at which it was asked for: an answer may take longer than the question.
        let count = |call: &mut Self| -> Outcome<[(Instant, f64); 2]> {
            let drawn = (Instant::now(), others(&call.drawn()?));
            Ok([drawn, (Instant::now(), call.browser.report()?.presented as f64)])
        };
        let before = count(self)?;
        let begin = Instant::now();
        let (app, browser) = (usage::of_family(self.app), usage::of_family(self.browser.id()));
        std::thread::sleep(length);
        let seconds = begin.elapsed().as_secs_f64();
        let (app, browser) = (
            usage::of_family(self.app).saturating_sub(app),
            usage::of_family(self.browser.id()).saturating_sub(browser),
        );
        let after = count(self)?;
        let drawn_fps = |place: usize| {
            let ((from, first), (to, last)) = (before[place], after[place]);
            (last - first) / to.duration_since(from).as_secs_f64() / 4.0
        };
        let spent = |time: Duration, drawn_fps: f64, id: u32| Spent {
            cores: time.as_secs_f64() / seconds,
            drawn_fps,
            memory_kib: usage::family_kib(id) as f64,
        };
        Ok((spent(app, drawn_fps(0), self.app), spent(browser, drawn_fps(1), self.browser.id())))
    }

    fn own_tile(&self) -> Outcome<String> {
        let script = "return [...document.querySelectorAll('[role=listitem]')]
            .find((tile) => tile.getAttribute('aria-label').includes('(you)'))?.dataset.participant + '/camera';";
        Ok(self.desktop.window().run(script, &[])?.as_str().unwrap_or_default().to_owned())
    }

    /// Why Chromium sends less than it would, if it lacks processor time: such a run says nothing.
    fn limited(&mut self) -> Outcome<Vec<String>> {
        let report = self.browser.report()?;
        let rows = report.last().map(|sample| sample.outbound.clone()).unwrap_or_default();
        let limited = rows.iter().filter(|row| row["kind"] == "video" && row["qualityLimitationReason"] == "cpu");
        Ok(limited.map(|row| format!("layer {} is limited by cpu", row["rid"])).collect())
    }

    /// Milliseconds a drawing of the window takes, the median of the last ones.
    fn draw_ms(&self) -> Outcome<f64> {
        let script = "return document.querySelector('canvas.video-surface').measured.drawMs;";
        let times = self.desktop.window().run(script, &[])?;
        let times: Vec<f64> = times.as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
        Ok(median(&times))
    }

    /// Whether the app and Chromium send 720 lines; by the statistics of each, which cost something to show and so are
    /// looked at last.
    fn sends_720_lines(&mut self) -> Outcome<(bool, bool)> {
        let window = self.desktop.window();
        window.press_keys("Ctrl+Shift+I")?;
        let statistics = window.wait_until(".statistics .figures", SOON, |text| text.contains("360"))?;
        let report = self.browser.report()?;
        let sent = report.last().and_then(|sample| sample.sent_layer("f")).map(|row| row["frameHeight"].clone());
        Ok((statistics.contains("720"), sent == Some(json!(720))))
    }

    fn end(mut self) -> Outcome {
        self.browser.leave()?;
        self.load.end().map(|_| ())
    }
}

fn figures(windows: &[(Spent, Spent)], call: &Call, is_valid: bool) -> Outcome<Vec<ClientFigure>> {
    let of = |read: &dyn Fn(&(Spent, Spent)) -> f64| Some(median(&windows.iter().map(read).collect::<Vec<_>>()));
    let valid = |value: Option<f64>| value.filter(|_| is_valid);
    let figure = |metric, value, unit| ClientFigure { metric, value, unit };
    let ratio = |metric, read: &dyn Fn(&(Spent, Spent)) -> f64| figure(metric, valid(of(read)), "1");
    Ok(vec![
        ratio("cpu_ratio_to_chromium", &|(app, browser)| app.cores / browser.cores),
        ratio("drawn_fps_ratio_to_chromium", &|(app, browser)| app.drawn_fps / browser.drawn_fps),
        ratio("memory_ratio_to_chromium", &|(app, browser)| app.memory_kib / browser.memory_kib),
        figure("client_cores", of(&|(app, _)| app.cores), "1"),
        figure("chromium_cores", of(&|(_, browser)| browser.cores), "1"),
        figure("client_drawn_fps", of(&|(app, _)| app.drawn_fps), "1/s"),
        figure("chromium_drawn_fps", of(&|(_, browser)| browser.drawn_fps), "1/s"),
        figure("client_memory_kib", of(&|(app, _)| app.memory_kib), "KiB"),
        figure("chromium_memory_kib", of(&|(_, browser)| browser.memory_kib), "KiB"),
        figure("window_draw_ms_p50", Some(call.draw_ms()?), "ms"),
    ])
}
