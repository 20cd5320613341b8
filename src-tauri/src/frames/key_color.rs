//! A picture behind what a page painted: the page paints its place in one dark blue, and what lies over it over that. Of
//! what is grey or nearly so (shadows, plates, text, edges) the blue that is left tells how much of the picture shows
//! through; saturated colors hide it.
//!
//! Pixels are `0xRRGGBB`, their highest byte means nothing.

/// The page's color where pictures are: blue, `KEY` of 255. `--native-key` in `ui/src/design/tokens.css` is the same.
const KEY: u32 = 64;

/// How far red and green may be apart in what counts as grey.
const GREY: u32 = 10;

const COLORS: u32 = 0x00ff_ffff;

/// Puts a row of a picture behind a row of the page.
pub fn put_behind(page: &mut [u32], picture: &[u32]) {
    for (over, under) in page.iter_mut().zip(picture) {
        let color = *over & COLORS;
        *over = if color == KEY { *under } else { mixed(color, *under) };
    }
}

fn mixed(over: u32, under: u32) -> u32 {
    let (red, green, blue) = channels(over);
    let left = blue.saturating_sub(green);
    if red.abs_diff(green) > GREY || left == 0 || left > KEY {
        return over;
    }
    // What was painted over has its own colors in red and green, and as much blue as green: the rest is the key's.
    let (under_red, under_green, under_blue) = channels(under);
    let behind = |channel: u32| channel * left / KEY;
    let sum = |own: u32, behind: u32| (own + behind).min(255);
    sum(red, behind(under_red)) << 16 | sum(green, behind(under_green)) << 8 | sum(green, behind(under_blue))
}

const fn channels(color: u32) -> (u32, u32, u32) {
    (color >> 16 & 255, color >> 8 & 255, color & 255)
}

/// An old picture: grey and dark.
pub fn fade(pixels: &mut [u32]) {
    for pixel in pixels {
        let (red, green, blue) = channels(*pixel);
        let grey = (red * 77 + green * 150 + blue * 29) >> 8;
        // A fifth of the color stays, and six tenths of the light.
        let faded = |channel: u32| (channel + 4 * grey) * 3 / 25;
        *pixel = faded(red) << 16 | faded(green) << 8 | faded(blue);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PICTURE: u32 = 0x00c8_9632;

    /// What a page paints when something lies over the key color: `part` of 255 of it hides what is under.
    fn painted(over: (u32, u32, u32), part: u32) -> u32 {
        let mix = |over: u32, under: u32| (over * part + under * (255 - part) + 127) / 255;
        mix(over.0, 0) << 16 | mix(over.1, 0) << 8 | mix(over.2, KEY)
    }

    fn behind(page: u32) -> (u32, u32, u32) {
        let mut row = [page | 0xff00_0000];
        put_behind(&mut row, &[PICTURE]);
        channels(row[0])
    }

    #[test]
    fn where_the_page_shows_nothing_else_the_picture_is_whole() {
        assert_eq!(behind(KEY), channels(PICTURE));
    }

    #[test]
    fn through_half_a_shadow_half_of_the_picture_is_seen_and_grey_things_are_as_if_painted_on_it() {
        for (over, part) in [((0, 0, 0), 128), ((255, 255, 255), 30), ((10, 14, 15), 184), ((128, 128, 128), 200)] {
            let (red, green, blue) = behind(painted(over, part));
            let (under_red, under_green, under_blue) = channels(PICTURE);
            let wanted = |over: u32, under: u32| (over * part + under * (255 - part)) / 255;
            let is_near = |left: u32, right: u32| left.abs_diff(right) <= 8;
            assert!(is_near(red, wanted(over.0, under_red)), "{over:?} {part}: red {red}");
            assert!(is_near(green, wanted(over.1, under_green)), "{over:?} {part}: green {green}");
            assert!(is_near(blue, wanted(over.2, under_blue)), "{over:?} {part}: blue {blue}");
        }
    }

    #[test]
    fn what_hides_the_picture_stays_as_it_was_painted() {
        for opaque in [(94, 234, 190), (220, 40, 50), (230, 237, 238), (0, 0, 0), (255, 255, 255), (255, 200, 0)] {
            let (red, green, blue) = behind(painted(opaque, 255));
            assert!(red.abs_diff(opaque.0) + green.abs_diff(opaque.1) + blue.abs_diff(opaque.2) <= 12, "{opaque:?}");
        }
    }

    #[test]
    fn an_old_picture_is_darker_and_has_less_color() {
        let mut row = [PICTURE];
        fade(&mut row);
        let (red, green, blue) = channels(row[0]);
        assert!(red < 0xc8 && green < 0x96);
        assert!(red - blue < (0xc8 - 0x32) / 3, "{red} {blue}");
    }
}
