use super::*;

const ROUND_TRIP: Duration = Duration::from_millis(40);

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

fn video() -> ReceiveLog {
    ReceiveLog::new(ReceiveLogConfig { clock_rate: 90_000, asks: true })
}

fn nacks(log: &mut ReceiveLog, now: Instant, round_trip: Duration) -> Vec<u16> {
    let mut numbers = Vec::new();
    log.poll_nacks(now, round_trip, &mut numbers);
    numbers
}

/// Polls as a caller does, at each deadline until `end`; the times at which something was asked, and what.
fn askings(log: &mut ReceiveLog, start: Instant, end: Duration, round_trip: Duration) -> Vec<(u128, Vec<u16>)> {
    let mut found = Vec::new();
    while let Some(due) = log.next_deadline() {
        if due > start + end {
            break;
        }
        let numbers = nacks(log, due, round_trip);
        if !numbers.is_empty() {
            found.push(((due - start).as_millis(), numbers));
        }
    }
    found
}

#[test]
fn a_hole_is_asked_for_at_once_and_twice_after_each_round_trip_and_a_quarter() {
    let start = Instant::now();
    let mut log = video();
    for sequence in [65_533, 65_534, 2] {
        assert_eq!(log.on_packet(start, sequence, 0, false).fate, Fate::New);
    }
    assert_eq!(log.missing(), 3);
    assert_eq!(log.next_deadline(), Some(start));
    let found = askings(&mut log, start, ms(130), ROUND_TRIP);
    let all = vec![65_535, 0, 1];
    assert_eq!(found, [(0, all.clone()), (60, all.clone()), (80, all.clone()), (120, all)]);
}

#[test]
fn over_a_long_way_every_asking_is_doubled() {
    let start = Instant::now();
    let mut log = video();
    log.on_packet(start, 10, 0, false);
    log.on_packet(start, 12, 0, false);
    let times: Vec<_> = askings(&mut log, start, ms(700), ms(200)).into_iter().map(|(at, _)| at).collect();
    assert_eq!(times, [0, 20, 260, 280, 520, 540]);
}

#[test]
fn a_hole_is_given_up_after_sixteen_askings_or_two_seconds() {
    let start = Instant::now();
    let mut log = video();
    log.on_packet(start, 10, 0, false);
    log.on_packet(start, 12, 0, false);
    let near: Vec<_> = askings(&mut log, start, ms(5000), ms(1)).into_iter().map(|(at, _)| at).collect();
    assert_eq!(near, (0..16).map(|time| time * 40).collect::<Vec<u128>>());
    assert_eq!((log.missing(), log.next_deadline(), log.stats().given_up), (0, None, 1));
    log.on_packet(start, 14, 0, false);
    let far: Vec<_> = askings(&mut log, start, ms(5000), ms(400)).into_iter().map(|(at, _)| at).collect();
    assert_eq!(far, [0, 20, 510, 530, 1020, 1040, 1530, 1550]);
    assert_eq!((log.missing(), log.next_deadline(), log.stats().given_up), (0, None, 2));
    assert_eq!(log.stats().asked, 24);
}

#[test]
fn a_repair_fills_a_hole_and_teaches_nothing_about_reordering() {
    let start = Instant::now();
    let mut log = video();
    log.on_packet(start, 10, 0, false);
    let last = log.on_packet(start, 13, 0, false);
    nacks(&mut log, start, ROUND_TRIP);
    let noted = log.on_packet(start + ms(30), 11, 0, true);
    assert_eq!(noted, Noted { number: last.number - 2, fate: Fate::Repaired });
    assert_eq!(log.on_packet(start + ms(31), 11, 0, true).fate, Fate::Duplicate);
    assert_eq!(log.on_packet(start + ms(31), 11, 0, false).fate, Fate::Duplicate);
    assert_eq!(log.missing(), 1);
    let stats = log.stats();
    assert_eq!((stats.received, stats.repaired, stats.late, stats.duplicates), (2, 1, 0, 2));
    assert_eq!(log.on_packet(start + ms(32), 20, 0, true).fate, Fate::TooOld, "no repair runs ahead");
    log.on_packet(start + ms(40), 15, 0, false);
    assert_eq!(nacks(&mut log, start + ms(40), ROUND_TRIP), [14], "asked for at once, as without reordering");
}

#[test]
fn the_hold_follows_the_reordering_and_goes_when_that_ends() {
    let start = Instant::now();
    let mut log = video();
    for (round, sequence) in (0..20_u16).step_by(2).enumerate() {
        let now = start + ms(50) * round as u32;
        log.on_packet(now, sequence + 1, 0, false);
        log.on_packet(now + ms(10), sequence, 0, false);
    }
    let now = start + ms(600);
    log.on_packet(now, 22, 0, false);
    assert_eq!(log.next_deadline(), Some(now + ms(12)));
    assert!(nacks(&mut log, now + ms(11), ROUND_TRIP).is_empty());
    assert_eq!(nacks(&mut log, now + ms(12), ROUND_TRIP), [20, 21]);
    // 300 ms late: a stall, not what a hold could spare.
    log.on_packet(now + ms(300), 20, 0, false);
    log.on_packet(now + ms(300), 21, 0, false);
    log.on_packet(now + ms(300), 24, 0, false);
    assert_eq!(log.next_deadline(), Some(now + ms(312)));
    log.on_packet(now + ms(301), 23, 0, false);
    log.on_packet(start + ms(20_000), 26, 0, false);
    assert_eq!(nacks(&mut log, start + ms(20_000), ROUND_TRIP), [25]);
}

#[test]
fn reordering_spares_the_asking() {
    let start = Instant::now();
    let mut log = video();
    let mut asked = 0;
    // Every tenth packet comes 5 ms after its successor, for ten seconds.
    for index in 0..2000_u64 {
        let sequence = match index % 10 {
            8 => index + 1,
            9 => index - 1,
            _ => index,
        };
        log.on_packet(start + ms(5) * index as u32, sequence as u16, 0, false);
        asked += nacks(&mut log, start + ms(5) * index as u32, ROUND_TRIP).len();
    }
    assert_eq!(asked, 1, "only the first time");
    assert_eq!((log.missing(), log.stats().late), (0, 200));
}

#[test]
fn the_first_packets_may_be_reordered_too() {
    let start = Instant::now();
    let mut log = video();
    let first = log.on_packet(start, 1, 0, false);
    let earlier = log.on_packet(start, 65_535, 0, false);
    assert_eq!(earlier, Noted { number: first.number - 2, fate: Fate::Late });
    assert_eq!(log.on_packet(start, 65_535, 0, false).fate, Fate::Duplicate);
    assert_eq!(log.missing(), 0);
    assert_eq!(log.reception_block(start, 1).map(|block| block.lost), Some(0));
}

#[test]
fn a_far_jump_begins_anew_with_higher_numbers() {
    let start = Instant::now();
    let mut log = video();
    let first = log.on_packet(start, 100, 0, false).number;
    log.on_packet(start, 103, 0, false);
    let ahead = log.on_packet(start, 100 + 3104, 0, false);
    assert_eq!(ahead, Noted { number: first + 3104, fate: Fate::Restarted });
    assert_eq!((log.missing(), log.stats().given_up), (0, 2));
    assert_eq!(log.on_packet(start, 104, 0, false).fate, Fate::TooOld, "one straggler is no restart");
    let back = log.on_packet(start, 105, 0, false);
    assert_eq!(back.fate, Fate::Restarted, "two in a row are");
    assert!(back.number > ahead.number);
    assert_eq!(back.number as u16, 105);
    assert_eq!(log.on_packet(start, 106, 0, false), Noted { number: back.number + 1, fate: Fate::New });
    let block = log.reception_block(start, 1).expect("came");
    assert_eq!((block.lost, block.fraction_lost), (0, 0));
}

#[test]
fn hostile_jumps_leave_no_more_holes_than_allowed() {
    let start = Instant::now();
    let mut log = video();
    for step in 0..1000_u32 {
        log.on_packet(start, (step * 2999) as u16, 0, false);
        assert!(log.missing() <= 512);
    }
    assert_eq!(nacks(&mut log, start, ROUND_TRIP).len(), 256);
    assert_eq!(log.next_deadline(), Some(start));
    assert_eq!(nacks(&mut log, start, ROUND_TRIP).len(), 256);
    assert_eq!(log.next_deadline(), Some(start + ms(60)));
    assert!(log.stats().given_up > 2_000_000);
}

#[test]
fn a_voice_is_not_asked_for() {
    let start = Instant::now();
    let mut sound = ReceiveLog::new(ReceiveLogConfig { clock_rate: 48_000, asks: false });
    sound.on_packet(start, 0, 0, false);
    sound.on_packet(start, 10, 0, false);
    assert_eq!((sound.missing(), sound.next_deadline()), (0, None));
    assert_eq!(sound.reception_block(start, 1).map(|block| block.lost), Some(9));
}

#[test]
fn reports_tell_the_loss_since_the_last_one_and_in_all() {
    let start = Instant::now();
    let mut log = video();
    assert_eq!(log.reception_block(start, 7), None);
    for sequence in (0..1000_u32).filter(|number| number % 4 != 3) {
        log.on_packet(start, (65_036 + sequence) as u16, 0, false);
    }
    log.on_sender_report(start, 0x1234_5678_9abc_def0);
    let block = log.reception_block(start + ms(500), 7).expect("came");
    assert_eq!((block.ssrc, block.fraction_lost, block.lost), (7, 63, 249));
    assert_eq!(block.highest_sequence, (1 << 16) | (65_036 + 998 - 65_536));
    assert_eq!((block.last_sender_report, block.delay_since_sender_report), (0x5678_9abc, 32_768));
    // Repairs do not make the way better.
    log.on_packet(start, 65_039, 0, true);
    for sequence in 0..100_u16 {
        log.on_packet(start, 499 + sequence, 0, false);
    }
    let block = log.reception_block(start, 7).expect("came");
    assert_eq!((block.fraction_lost, block.lost), (0, 249));
    assert_eq!(log.reception_block(start, 7).map(|block| block.fraction_lost), Some(0));
}

#[test]
fn jitter_is_the_mean_deviation_of_the_spacing() {
    let start = Instant::now();
    let mut even = video();
    let mut uneven = video();
    for frame in 0..500_u32 {
        let now = start + ms(40) * frame;
        even.on_packet(now, frame as u16, frame * 3600, false);
        uneven.on_packet(now + ms(10) * (frame % 2), frame as u16, frame * 3600, false);
    }
    assert_eq!(even.jitter(), Duration::ZERO);
    assert!(uneven.jitter().abs_diff(ms(10)) < ms(1), "{:?}", uneven.jitter());
    let jitter = uneven.reception_block(start, 1).expect("came").jitter;
    assert!(jitter.abs_diff(900) < 90, "{jitter}");
    // Another time line is no jitter.
    uneven.on_packet(start + ms(20_000), 500, 0x8000_0000, false);
    assert!(uneven.jitter() < ms(11));
}

#[test]
fn numbers_that_another_log_gave_are_fresh_once_and_never_a_restart_backwards() {
    let now = Instant::now();
    let mut log = ReceiveLog::new(ReceiveLogConfig { clock_rate: 90_000, asks: false });
    let mut fate = |number| log.on_numbered(now, number, 0);
    assert_eq!(fate(70_000), Fate::New);
    assert_eq!(fate(70_005), Fate::New);
    assert_eq!(fate(70_002), Fate::Late);
    assert_eq!(fate(70_002), Fate::Duplicate);
    assert_eq!(fate(69_999), Fate::Late, "from before the first, as when packets were reordered");
    assert_eq!(fate(70_005 + MAX_JUMP), Fate::New, "what was left out between is nobody's loss");
    // Half a round of 16 bits on, where a number on the wire would seem to be behind.
    assert_eq!(fate(70_005 + 50_000), Fate::Restarted);
    for _ in 0..3 {
        assert_eq!(fate(70_005), Fate::TooOld);
    }
    assert_eq!(fate(u64::MAX), Fate::Restarted);
    assert_eq!(log.next_deadline(), None);
}
