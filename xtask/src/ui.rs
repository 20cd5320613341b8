//! The window's part in TypeScript: installed once a lock file, built when a source is newer than the bundle.

use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use crate::Outcome;
use crate::process::{output, root, run};

fn npm(words: &[&str]) -> Command {
    let mut command = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
    command.current_dir(root().join("ui")).args(words);
    command
}

/// Installs the packages of `ui/package-lock.json`, unless they are there.
pub fn install() -> Outcome {
    let folder = root().join("ui");
    let stamp = folder.join("node_modules/.package-lock.json");
    if modified(&stamp) > modified(&folder.join("package-lock.json")) {
        return Ok(());
    }
    println!("Installing the window's packages");
    run(&mut npm(&["ci", "--no-audit", "--no-fund", "--loglevel=error"]))
}

/// Builds `ui/dist`, the desktop's window, unless nothing changed since it was built.
pub fn build() -> Outcome {
    build_page("dist/index.html", "build")
}

/// Builds `ui/dist-browser`, the same window as a page in a browser, unless nothing changed since it was built.
pub fn build_browser() -> Outcome {
    build_page("dist-browser/browser.html", "build:browser")
}

fn build_page(page: &str, script: &str) -> Outcome {
    install()?;
    let folder = root().join("ui");
    let sources =
        ["src", "index.html", "browser.html", "package.json", "package-lock.json", "vite.config.ts", "public"];
    let newest = sources.iter().map(|source| newest(&folder.join(source))).max().flatten();
    if newest < modified(&folder.join(page)) {
        return Ok(());
    }
    println!("Building ui/{page}");
    run(&mut npm(&["run", "--silent", script]))
}

/// Type check and unit tests; returns what the test runner printed.
pub fn test() -> Outcome<String> {
    install()?;
    run(&mut npm(&["run", "--silent", "typecheck"]))?;
    output(npm(&["test", "--silent"]).env("CI", "true").env("NO_COLOR", "1"))
}

fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|metadata| metadata.modified()).ok()
}

fn newest(path: &Path) -> Option<SystemTime> {
    if !path.is_dir() {
        return modified(path);
    }
    let entries = std::fs::read_dir(path).ok()?;
    entries.flatten().map(|entry| newest(&entry.path())).max().flatten()
}
