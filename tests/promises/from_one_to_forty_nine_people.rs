//! The stage with 1, 2, 5, 16 and 49 people in every layout: each has a tile on some page, each visible tile its picture,
//! and no tile lies over another.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use confab_protocol::RoomCode;
use confab_tests::lab::{Load, Outcome};
use serde::Deserialize;

use crate::window_stage::{SOON, Stage};

/// Software decodes and draws dozens of pictures here.
const IN_A_CROWD: Duration = Duration::from_secs(60);

/// A tile as the page has it, CSS pixels.
#[derive(Deserialize, Clone, Debug)]
struct Shown {
    id: String,
    x: f64,
    y: f64,
    width: f64,
    height: f64,
    has_picture: bool,
}

/// What is to be seen of the stage.
#[derive(Deserialize, Debug)]
struct Looked {
    /// Where the stage begins on the display.
    left: f64,
    top: f64,
    width: f64,
    height: f64,
    /// The one that a person chose.
    layout: String,
    /// 1 when there are no pages.
    pages: u32,
    page: u32,
    tiles: Vec<Shown>,
}

impl Stage {
    fn look(&self) -> Outcome<Looked> {
        let script = "const stage = document.querySelector('[data-region=stage]');
            const place = stage.getBoundingClientRect();
            const [page, pages] = (stage.querySelector('.pages .num')?.textContent ?? '1 / 1').split('/').map(Number);
            const tiles = [...stage.querySelectorAll('[role=listitem]')].map((tile) => {
                const { x, y, width, height } = tile.getBoundingClientRect();
                return { id: tile.dataset.participant, x: x - place.x, y: y - place.y, width, height,
                    has_picture: !tile.classList.contains('novid') };
            });
            const left = place.x + window.screenX + window.outerWidth - window.innerWidth;
            const top = place.y + window.screenY + window.outerHeight - window.innerHeight;
            return { layout: stage.dataset.layout, left, top, width: place.width, height: place.height, page, pages, tiles };";
        let value = self.window().run(script, &[])?;
        serde_json::from_value(value).map_err(|error| confab_tests::lab::LabError::Unexpected(error.to_string()))
    }

    /// Waits until what is shown is so and every tile has come to its place.
    fn see(&self, what: &str, wanted: impl Fn(&Looked) -> bool) -> Outcome<Looked> {
        let deadline = Instant::now() + IN_A_CROWD;
        loop {
            let looked = self.look()?;
            let disorder = disorder(&looked);
            if wanted(&looked) && disorder.is_none() {
                return Ok(looked);
            }
            if Instant::now() > deadline {
                self.display.screenshot(&self.lab.file("not-as-it-should-be.png"))?;
            }
            assert!(Instant::now() <= deadline, "{what}: {disorder:?} in {looked:?}");
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Looks at the display itself: what the page has is not painted yet.
    fn expect_painted(&self, looked: &Looked, name: &str) -> Outcome {
        let deadline = Instant::now() + IN_A_CROWD;
        loop {
            let photograph = self.display.photograph()?;
            // The upper half: names stand below, and a tile without a picture has one colour there.
            let flat = looked.tiles.iter().filter(|tile| {
                let corner = ((looked.left + tile.x + tile.width / 4.0) as i64, (looked.top + tile.y + 6.0) as i64);
                photograph.unevenness_at(corner, (tile.width / 2.0) as usize, (tile.height / 4.0) as usize) < 3.0
            });
            let flat: Vec<&Shown> = flat.collect();
            if flat.is_empty() {
                return Ok(());
            }
            assert!(Instant::now() < deadline, "{name}: nothing is painted in {flat:?}");
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Turns through all pages and gives everybody who has a tile somewhere.
    fn turn_pages(&self, name: &str) -> Outcome<BTreeSet<String>> {
        let mut everybody = BTreeSet::new();
        for page in 1.. {
            let seen = self.see(&format!("{name}, page {page}: a picture in every tile"), |looked| {
                looked.page == page && !looked.tiles.is_empty() && looked.tiles.iter().all(|tile| tile.has_picture)
            })?;
            self.expect_painted(&seen, &format!("{name}, page {page}"))?;
            self.display.screenshot(&self.lab.file(&format!("{name}-page-{page}.png")))?;
            everybody.extend(seen.tiles.iter().map(|tile| tile.id.clone()));
            if page >= seen.pages {
                break;
            }
            self.window().press_keys("PageDown")?;
        }
        for page in (1..self.look()?.page).rev() {
            self.window().press_keys("PageUp")?;
            self.see("the page before", |looked| looked.page == page)?;
        }
        Ok(everybody)
    }
}

/// What is wrong with where tiles are: outside the stage, over another, too small to be known.
fn disorder(looked: &Looked) -> Option<String> {
    for (place, tile) in looked.tiles.iter().enumerate() {
        let inside = tile.x >= -1.0
            && tile.y >= -1.0
            && tile.x + tile.width <= looked.width + 1.0
            && tile.y + tile.height <= looked.height + 1.0;
        if !inside {
            return Some(format!("{tile:?} is not inside {} x {}", looked.width, looked.height));
        }
        if tile.width < 80.0 || tile.height < 45.0 {
            return Some(format!("{tile:?} is too small"));
        }
        for other in &looked.tiles[place + 1..] {
            let apart = tile.x + tile.width <= other.x + 1.0
                || other.x + other.width <= tile.x + 1.0
                || tile.y + tile.height <= other.y + 1.0
                || other.y + other.height <= tile.y + 1.0;
            if !apart {
                return Some(format!("{tile:?} lies over {other:?}"));
            }
        }
    }
    None
}

#[test]
fn everybody_has_a_tile_with_a_picture_in_every_layout_whether_one_or_forty_nine_are_there() -> Outcome {
    let stage = Stage::set("one-to-forty-nine")?;
    let room: RoomCode = stage.desktop.start_meeting(SOON)?;
    for people in [1_usize, 2, 5, 16, 49] {
        // Ada is one of them. The others look at nobody, so that this machine has one window to fill.
        let load = match people - 1 {
            0 => None,
            others => {
                let (server, others) = (stage.server.address().to_string(), others.to_string());
                let words =
                    ["--server", &server, "--room", room.as_str(), "--people", &others, "--tiles", "0", "--film"];
                let small = ["--fps", "5", "--video-kbps", "400", "--audio-kbps", "0", "--joins-per-second", "10"];
                let arguments = words.into_iter().chain(small).map(str::to_owned);
                Some(Load::start(stage.lab.folder(), None, arguments, IN_A_CROWD)?)
            }
        };
        for layout in ["grid", "speaker", "sidebar"] {
            let name = format!("{people}-{layout}");
            // Who is alone is shown whole whatever was chosen.
            stage.see(&name, |looked| looked.layout == layout || people == 1)?;
            let everybody = stage.turn_pages(&name)?;
            assert_eq!(everybody.len(), people, "{name}: who has a tile");
            stage.window().press_keys("Ctrl+Shift+G")?;
        }
        if let Some(load) = load {
            load.end()?;
        }
        stage.see("only Ada is left", |looked| looked.tiles.len() == 1)?;
    }
    Ok(())
}
