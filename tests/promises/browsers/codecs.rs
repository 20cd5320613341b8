//! What a browser sends follows the server's answer, and the answer follows what the browser likes best.

use confab_tests::lab::{BrowserJoin, BrowserReport, Lab, Outcome};

use super::PATIENCE;

#[test]
fn a_browser_that_prefers_vp9_is_seen() -> Outcome {
    // Chromium makes no VP9 layer of fewer lines than 135.
    preferring("browser-vp9", "VP9", "L3T3_KEY", (960, 540))
}

#[test]
fn a_browser_that_prefers_av1_is_seen() -> Outcome {
    preferring("browser-av1", "AV1", "L1T3", (640, 360))
}

/// Dana likes this codec best and VP8 next. Chloe sees her either way.
fn preferring(name: &str, codec: &'static str, mode: &'static str, (width, height): (u32, u32)) -> Outcome {
    let lab = Lab::open(name)?;
    let server = lab.server()?;
    let room = server.create_room()?;
    let mut chloe = lab.browser("Chloe").camera(320, 180, 10).start()?;
    let mut dana = lab.browser("Dana").camera(width, height, 15).start()?;
    assert!(dana.video_codecs()?.iter().any(|known| known == codec), "Chromium can send {codec}");
    chloe.join(server.address(), &room, &BrowserJoin::simulcast("VP8"))?;
    let scalability = Some(mode);
    let how = BrowserJoin { codecs: vec![codec, "VP8"], scalability, ..BrowserJoin::simulcast(codec) };
    let answer = dana.join(server.address(), &room, &how)?;
    let taken = codecs_taken(&answer);
    // A browser sends what the answer names first.
    assert_eq!(taken, [codec, "VP8"], "the answer keeps the offer's order");

    let dana_is = |report: &BrowserReport| report.id_of("Dana");
    let report = chloe.wait_until("Dana's moving picture in full size", PATIENCE, |report| {
        let Some(dana) = dana_is(report) else { return false };
        let mut numbers: Vec<u32> = report
            .frames_of(dana)
            .filter(|frame| frame.height == height)
            .filter_map(|frame| Some(frame.mark?.frame))
            .collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers.len() >= 30
    })?;
    let wanted = format!("video/{codec}");
    assert_eq!(report.last().and_then(|sample| sample.received_codec()), Some(wanted.as_str()), "Chloe gets it");
    let of_dana = dana.report()?;
    let stream = of_dana.last().and_then(|sample| sample.sent_layer("")).expect("Dana sends one stream");
    assert_eq!(stream["codec"], wanted, "{stream:#}");
    println!("Dana sends {} by {} as {}", stream["codec"], stream["encoderImplementation"], stream["scalabilityMode"]);
    assert_eq!(stream["scalabilityMode"], mode, "{stream:#}");
    // Layers inside of a stream can be taken out of it, where there is more than one size.
    if mode.starts_with("L3") {
        for tile in [height / 4, height / 2, height] {
            chloe.show(tile)?;
            chloe.wait_until(&format!("a picture of {tile} lines"), PATIENCE, |report| {
                // An encoder makes heights even.
                report.frames.last().is_some_and(|frame| frame.height.abs_diff(tile) <= 1)
            })?;
        }
    }
    Ok(())
}

/// The codecs of the m-line on which the server receives video, best first, without formats that repair.
fn codecs_taken(answer: &str) -> Vec<String> {
    let mut sections = answer.split("\nm=").filter(|section| section.starts_with("video"));
    let receiving =
        sections.find(|section| section.lines().any(|line| line.trim() == "a=recvonly")).unwrap_or_default();
    let order = receiving.lines().next().unwrap_or_default().split(' ').skip(3).map(str::trim);
    let name = |payload_type: &str| {
        let line = receiving.lines().find_map(|line| line.strip_prefix(&format!("a=rtpmap:{payload_type} ")))?;
        line.split('/').next().map(str::to_owned)
    };
    let mut names: Vec<String> = order.filter_map(name).filter(|name| name != "rtx").collect();
    names.dedup();
    names
}

#[test]
fn the_codecs_of_the_receiving_line_are_read_from_an_answer() {
    let answer = "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=recvonly\r\na=rtpmap:111 opus/48000/2\r\n\
                  m=video 9 UDP/TLS/RTP/SAVPF 96 97 45\r\na=recvonly\r\na=rtpmap:45 AV1/90000\r\na=rtpmap:96 VP8/90000\r\n\
                  a=rtpmap:97 rtx/90000\r\n\
                  m=video 9 UDP/TLS/RTP/SAVPF 98\r\na=sendonly\r\na=rtpmap:98 VP9/90000\r\n";
    assert_eq!(codecs_taken(answer), ["VP8", "AV1"]);
    assert!(codecs_taken("").is_empty());
}
