//! What happens around and in the window of a running call: another start, another language, words that mean harm.

use std::fmt::Write as _;
use std::time::Duration;

use confab_tests::lab::{Lab, LabError, Outcome};

use crate::window_stage::{SOON, Stage};

#[test]
fn a_second_start_with_a_link_reaches_the_first_which_only_fills_in_the_preview() -> Outcome {
    let stage = Stage::set("second-start")?;
    stage.window().wait_for("section[aria-labelledby=start-heading]", SOON)?;
    let room = stage.server.create_room()?;
    let link = format!("confab://{}/m/{room}", stage.server.address());
    stage.start_again(&link)?;
    stage.window().wait_for("form.pjr", SOON)?;
    stage.window().wait_until(".titlebar", SOON, |text| text.contains(room.as_str()))?;
    // It opens no camera and no microphone either.
    stage.window().wait_until(".pv .bk .btn", SOON, |text| text == "Turn on camera and microphone")?;
    stage.display.screenshot(&stage.lab.file("preview-of-the-link.png"))?;
    // A person joins, not a link.
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(stage.server.metric("confab_participants")? as u64, 0);

    // What is no link of a meeting fills in nothing.
    let mut harmful = vec!["confab://".to_owned(), "javascript:alert(1)".into(), "https://example.org/".into()];
    harmful.push(format!("confab://{}/m/birch-lane-11/../../x?y=<script>", stage.server.address()));
    for sign in ["<", "\"", "%00", "\u{202e}", "@", "//", "\\", " --"] {
        harmful.push(format!("confab:{sign}//{}/m/{sign}birch-lane-11{sign}", stage.server.address()));
    }
    for argument in harmful {
        stage.start_again(&argument)?;
    }
    std::thread::sleep(Duration::from_secs(1));
    let title = stage.window().text(".titlebar")?;
    assert!(!title.contains("birch"), "{title}");
    assert_eq!(stage.server.metric("confab_participants")? as u64, 0, "nobody joined by a link alone");
    stage.window().wait_until(".titlebar", SOON, |text| text.contains(room.as_str()))?;
    stage.desktop.press_selected("form.pjr button[type=submit]", SOON)?;
    stage.window().wait_until(".dock .code", SOON, |text| text == room.as_str())?;
    Ok(())
}

#[test]
fn language_colours_and_size_of_text_change_in_a_running_call() -> Outcome {
    let stage = Stage::set("language-in-a-call")?;
    let mut ben = stage.meet()?;
    let window = stage.window();
    let of_page = |script: &str| window.run(&format!("return {script}"), &[]);
    let html = "document.documentElement";
    assert_eq!(of_page(&format!("{html}.lang.slice(0, 2)"))?, "en");
    // Ctrl and the comma, as a person presses them.
    window.type_text("body", "\u{e009},")?;
    stage.desktop.press_selected(".settings-dialog [role=tab][data-key=appearance]", SOON)?;
    for value in ["de", "light", "150"] {
        stage.desktop.press_selected(&format!(".settings-dialog label:has(input[value=\"{value}\"])"), SOON)?;
    }
    window.wait_until(".settings-dialog h2", SOON, |text| text == "Einstellungen")?;
    assert_eq!(of_page(&format!("{html}.lang.slice(0, 2)"))?, "de");
    assert_eq!(of_page(&format!("{html}.dataset.theme"))?, "light");
    let size = of_page(&format!("getComputedStyle({html}).fontSize"))?;
    assert_eq!(size, "24px", "half as large again");
    stage.display.screenshot(&stage.lab.file("settings.png"))?;
    window.type_text("body", "\u{e00c}")?;
    window.wait_until(".dock .leave", SOON, |text| text.contains("Verlassen"))?;
    stage.display.screenshot(&stage.lab.file("call.png"))?;

    let shown = ben.view().frames_shown("Ada");
    ben.wait_until("more of Ada's picture", SOON, |view| view.frames_shown("Ada") > shown + 30)?;
    assert_eq!(ben.view().joins, 1, "the call went on");
    Ok(())
}

/// Words that would run, load or lead somewhere if anything took them for more than words.
fn hostile_words(count: usize) -> Vec<String> {
    let scripts = [
        "window.ran=1",
        "parent.ran=1",
        "fetch('https://example.org/ran')",
        "__TAURI_INTERNALS__.invoke('call_leave')",
    ];
    let frames: [&dyn Fn(&str) -> String; 14] = [
        &|script| format!("<script>{script}</script>"),
        &|script| format!("<img src=x onerror=\"{script}\">"),
        &|script| format!("<svg/onload={script}>"),
        &|script| format!("\"><svg><animate onbegin={script} attributeName=x dur=1s>"),
        &|script| format!("<iframe srcdoc=\"<script>{script}</script>\"></iframe>"),
        &|script| format!("[click](javascript:{script})"),
        &|script| format!("javascript:{script}//http://example.org"),
        &|script| format!("http://example.org/\"onmouseover=\"{script}"),
        &|script| format!("<details open ontoggle={script}>"),
        &|script| format!("<math><mtext></form><form><mglyph><style></math><img src onerror={script}>"),
        &|script| format!("${{{script}}} {{{{constructor.constructor('{script}')()}}}}"),
        &|script| format!("\u{202e}<script>{script}</script>\u{202c}"),
        &|script| {
            format!(
                "<link rel=stylesheet href=//example.org/x><base href=//example.org/><object data=\"javascript:{script}\">"
            )
        },
        &|script| {
            format!("![x](x \"onerror={script}\") <meta http-equiv=refresh content=\"0;url=javascript:{script}\">")
        },
    ];
    let mut words = Vec::new();
    for number in 0..count {
        let mut text = frames[number % frames.len()](scripts[number / frames.len() % scripts.len()]);
        if number >= frames.len() * scripts.len() {
            let _never_fails = write!(text, " {}", "<x ".repeat(number % 7));
        }
        words.push(format!("{number} {text}"));
    }
    words
}

#[test]
fn no_chat_text_runs_loads_or_leads_anywhere_in_the_window() -> Outcome {
    let stage = Stage::set("hostile-chat")?;
    let mut ben = stage.meet()?;
    let window = stage.window();
    let watch = "window.broken = [];
        document.addEventListener('securitypolicyviolation', (event) => window.broken.push(event.blockedURI));
        new PerformanceObserver((list) => {
            for (const entry of list.getEntries()) window.broken.push(entry.name);
        }).observe({ type: 'resource', buffered: false });
        return true;";
    window.run(watch, &[])?;
    stage.desktop.press("Chat", SOON)?;
    let words = hostile_words(if Lab::is_full() { 500 } else { 60 });
    for text in &words {
        ben.command(&format!("say {text}"))?;
        // The server takes forty messages a second.
        std::thread::sleep(Duration::from_millis(40));
    }
    let last = words.last().ok_or_else(|| LabError::Unexpected("no words".into()))?;
    // What is shown is what was written, letter by letter.
    window.wait_until(".messages", SOON, |text| text.contains(last.trim_end()))?;
    stage.display.screenshot(&stage.lab.file("chat.png"))?;
    let made = "return [...document.querySelectorAll('.messages *')]
        .map((element) => element.localName)
        .filter((name) => ['script', 'img', 'iframe', 'object', 'link', 'meta', 'base', 'style', 'form', 'a'].includes(name)
            || [...document.querySelectorAll('.messages ' + name)].some((of) => [...of.attributes].some((at) => at.name.startsWith('on'))));";
    assert_eq!(window.run(made, &[])?, serde_json::json!([]), "elements of somebody's making");
    assert_eq!(window.run("return window.ran ?? null", &[])?, serde_json::Value::Null, "a script ran");
    assert_eq!(window.run("return window.broken", &[])?, serde_json::json!([]), "something was loaded, or tried to be");
    assert_eq!(window.run("return location.hash + document.title", &[])?, "Confab");
    ben.wait_until("Ada is still there", SOON, |view| view.is_connected("Ada"))?;
    Ok(())
}
