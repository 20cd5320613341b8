//! Calls of two in which everything works: moving pictures, voices, no freeze, nothing lost.

use std::time::Duration;

use confab_tests::lab::{BrowserJoin, Lab, Outcome, sound};

use super::{PATIENCE, Side, expect_clean};

/// How long a call is looked at.
fn length() -> Duration {
    Duration::from_secs(if Lab::is_full() { 60 } else { 12 })
}

#[test]
fn a_browser_and_a_native_client_see_and_hear_each_other() -> Outcome {
    let lab = Lab::open("browser-and-native")?;
    let server = lab.server()?;
    let room = server.create_room()?;
    let mut chloe = lab.browser("Chloe").camera(1280, 720, 20).start()?;
    chloe.join(server.address(), &room, &BrowserJoin::simulcast("H264"))?;
    let speech = lab.file("bens-speech.wav");
    sound::write_speech(&speech, 7, length() + PATIENCE)?;
    let mut ben = lab
        .person("Ben")
        .microphone(speech.display().to_string())
        .saving_audio()
        .args(["--camera-format", "1280x720@20", "--for", &format!("{}s", length().as_secs())])
        .start(server.address(), &room)?;
    ben.finish(length() + PATIENCE)?;

    let report = chloe.report()?;
    let chloe = Side::of_browser(&mut chloe)?;
    let ben = Side { name: "Ben".into(), file: ben.stats()?, speech };
    expect_clean("Chloe", &report);
    chloe.expect_other(&ben, 720, 20.0)?;
    ben.expect_other(&chloe, 720, 20.0)?;
    let picture = &ben.file.stats["pictures"][0];
    println!("Ben, received: {picture}");
    assert_eq!(picture["frames_damaged"], 0, "every picture of the browser's was decoded");
    assert_eq!(ben.file.stats["connection"]["packets_missing"], 0, "{}", ben.file.stats["connection"]);

    let (seen, heard) = (chloe.sees(&ben, 720)?, ben.sees(&chloe, 720)?);
    println!("pictures on their way to the browser: {:.0?} ms", seen.glass_to_glass_ms_p50);
    let age = seen.glass_to_glass_ms_p50;
    assert!(age.is_some_and(|age| (1.0..=250.0).contains(&age)), "pictures reach the browser after {age:?} ms");
    let psnr = heard.psnr_db_p50;
    assert!(psnr.is_some_and(|psnr| psnr >= 30.0), "the browser's picture is within {psnr:?} dB of the film");
    Ok(())
}

#[test]
fn two_browsers_see_and_hear_each_other_with_vp8() -> Outcome {
    two_browsers("two-browsers-vp8", "VP8")
}

#[test]
fn two_browsers_see_and_hear_each_other_with_h264() -> Outcome {
    two_browsers("two-browsers-h264", "H264")
}

fn two_browsers(name: &str, codec: &'static str) -> Outcome {
    let lab = Lab::open(name)?;
    let server = lab.server()?;
    let room = server.create_room()?;
    // Two of them encode, decode and draw on the machine of the test, so their pictures are of half the size.
    let mut chloe = lab.browser("Chloe").camera(640, 360, 20).start()?;
    let mut dana = lab.browser("Dana").camera(640, 360, 20).voice(22).start()?;
    let how = BrowserJoin::simulcast(codec);
    chloe.join(server.address(), &room, &how)?;
    dana.join(server.address(), &room, &how)?;
    std::thread::sleep(length());

    let reports = [("Chloe", chloe.report()?), ("Dana", dana.report()?)];
    let (chloe, dana) = (Side::of_browser(&mut chloe)?, Side::of_browser(&mut dana)?);
    for (who, report) in &reports {
        let last = report.last().expect("a sample of getStats()");
        let wanted = format!("video/{codec}");
        assert_eq!(last.sent_codec(), Some(wanted.as_str()), "{who} sends what it offered");
        assert_eq!(last.received_codec(), Some(wanted.as_str()), "{who} gets the same");
        expect_clean(who, report);
    }
    chloe.expect_other(&dana, 360, 20.0)?;
    dana.expect_other(&chloe, 360, 20.0)?;
    Ok(())
}
