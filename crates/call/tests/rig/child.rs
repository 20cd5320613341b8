//! Runs a test again in a process of its own, with an environment that must be there before the program starts.

use std::process::Command;

const MARK: &str = "CONFAB_TEST_CHILD";

/// In the child: runs `body`. In the parent: runs the test named `test` again in a child that `prepare` has set up,
/// and fails when that fails. `prepare` gives back what must live as long as the child (daemons, folders).
pub fn in_child<T>(test: &str, prepare: impl FnOnce(&mut Command) -> T, body: impl FnOnce()) {
    if std::env::var_os(MARK).is_some() {
        return body();
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([test, "--exact", "--nocapture", "--test-threads=1"]).env(MARK, "1");
    let alive = prepare(&mut command);
    let output = command.output().unwrap();
    drop(alive);
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    println!("{out}\n{err}");
    assert!(output.status.success(), "the child failed: {}", output.status);
    assert!(out.contains("1 passed"), "the child did not run {test}");
    assert!(!err.contains("ALSA lib"), "ALSA's complaints reached standard error");
}

/// A new folder under the system's temporary one, removed when dropped.
pub struct Scratch(pub std::path::PathBuf);

impl Scratch {
    pub fn new(purpose: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("confab-{purpose}-{}", uuid::Uuid::now_v7().simple()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
