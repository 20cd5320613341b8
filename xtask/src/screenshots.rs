//! Pictures of every state of the window, and the check of its accessibility, in the system's Chromium.

use std::process::Command;

use crate::process::{root, run};
use crate::system::{Purpose, ensure};
use crate::{Outcome, ui};

/// `--only SCENE` (may be repeated) leaves out the other scenes; `--check` runs axe-core instead of making pictures.
pub fn screenshots(options: &[&str]) -> Outcome {
    ensure(Purpose::Test)?;
    ui::install()?;
    let mut command = Command::new("node");
    command.current_dir(root().join("ui")).arg("scripts/screenshots.mjs").args(options);
    run(&mut command)
}
