//! A window of the app on a display, with a sound server, a session bus and a server: what the promises about it stand on.

use std::time::Duration;

use confab_tests::lab::{
    Desktop, Display, Lab, Outcome, Person, Process, Pulse, PulseModule, Server, SessionBus, Window, program,
};
use serde_json::Value;

/// What a person takes for soon, on a loaded machine.
pub const SOON: Duration = Duration::from_secs(15);

/// Everything a window needs.
pub struct Stage {
    pub lab: Lab,
    pub server: Server,
    bus: SessionBus,
    pub display: Display,
    pub pulse: Pulse,
    /// Of the microphone `headset`, as long as it is plugged in.
    pub microphone: PulseModule,
    pub desktop: Desktop,
}

impl Stage {
    pub fn set(name: &str) -> Outcome<Self> {
        Self::set_for(name, Some(&Desktop::remembered("Ada")))
    }

    /// For somebody with these settings, or without any.
    pub fn set_for(name: &str, settings: Option<&Value>) -> Outcome<Self> {
        let lab = Lab::open(name)?;
        let pulse = Pulse::start(lab.folder())?;
        pulse.add_speaker("loudspeaker")?;
        let microphone = pulse.add_microphone("headset")?;
        pulse.set_defaults("loudspeaker", "headset")?;
        let display = Display::start(lab.folder(), 1280, 720)?;
        let bus = SessionBus::start(lab.folder())?;
        let server = lab.server()?;
        let desktop =
            Desktop::open_with(lab.folder(), settings, server.address(), &display, &pulse, &bus.environment())?;
        Ok(Self { lab, server, bus, display, pulse, microphone, desktop })
    }

    pub fn window(&self) -> &Window {
        self.desktop.window()
    }

    /// Ada starts a meeting, and Ben joins.
    pub fn meet(&self) -> Outcome<Person> {
        let room = self.desktop.start_meeting(SOON)?;
        let mut ben = self.lab.person("Ben").join(self.server.address(), &room)?;
        ben.wait_until("Ada's picture", SOON, |view| view.frames_shown("Ada") > 10)?;
        Ok(ben)
    }

    /// Starts the program once more; it hands over what it was given and ends.
    pub fn start_again(&self, argument: &str) -> Outcome {
        Process::new(&program("confab")?, "second-start", self.lab.folder())
            .args([argument])
            .envs(self.desktop.environment().iter().map(|(name, value)| (name.as_str(), value.as_str())))
            .envs(self.bus.environment())
            .start()?
            .succeed(SOON)
    }
}
