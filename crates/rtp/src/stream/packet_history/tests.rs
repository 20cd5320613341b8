use super::*;

fn payload(number: u64, len: usize) -> Vec<u8> {
    (0..len).map(|index| (number as usize * 31 + index) as u8).collect()
}

fn history(packets: usize, bytes: usize) -> PacketHistory<u8> {
    PacketHistory::new(HistoryConfig { packets, bytes, age: Duration::from_secs(2) })
}

#[test]
fn a_kept_packet_comes_back_as_it_was() {
    let now = Instant::now();
    let mut history = history(1024, 2 << 20);
    assert_eq!(history.get(now, 7), None);
    assert!(history.insert(now, 7, 90_000, true, 42, b"picture"));
    assert!(history.insert(now, 8, 93_000, false, 43, b""));
    assert!(!history.insert(now, 7, 1, false, 0, b"another"), "it is kept already");
    let found = history.get(now, 7).expect("kept");
    let wanted = StoredPacket { number: 7, at: now, timestamp: 90_000, marker: true, facts: 42, payload: b"picture" };
    assert_eq!(found, wanted);
    assert_eq!(history.get(now, 8).map(|packet| packet.payload.len()), Some(0));
    assert_eq!(history.get(now, 7 + 64), None);
}

#[test]
fn what_is_old_is_gone() {
    let now = Instant::now();
    let mut history = history(1024, 2 << 20);
    history.insert(now, 1, 0, false, 0, b"old");
    assert!(history.get(now + Duration::from_secs(2), 1).is_some());
    assert!(history.get(now + Duration::from_millis(2001), 1).is_none());
    history.insert(now + Duration::from_millis(2001), 2, 0, false, 0, b"new");
    assert_eq!(history.len(), 1);
}

#[test]
fn the_last_packets_are_kept_within_the_count() {
    let now = Instant::now();
    let mut history = history(128, 2 << 20);
    for number in 1000..2000 {
        assert!(history.insert(now, number, number as u32, false, 0, &payload(number, 100)));
    }
    assert_eq!(history.len(), 128);
    for number in 1000..2000 {
        let found = history.get(now, number).map(|packet| packet.payload.to_vec());
        assert_eq!(found, (number >= 2000 - 128).then(|| payload(number, 100)), "{number}");
    }
    assert!(!history.insert(now, 1500, 0, false, 0, b"late"), "newer stands in its place");
}

#[test]
fn the_last_packets_are_kept_within_the_bytes() {
    let now = Instant::now();
    let mut history = history(1024, 64 << 10);
    for number in 0..1000 {
        assert!(history.insert(now, number, 0, false, 0, &payload(number, 1100)));
    }
    let kept = (0..1000).filter(|number| history.get(now, *number).is_some()).count();
    assert!((57..=59).contains(&kept), "{kept}");
    assert!(history.memory() < (64 << 10) + 64 * 1024);
    assert!(!history.insert(now, 5000, 0, false, 0, &vec![0; 40 << 10]), "larger than half the room");
}

#[test]
fn what_comes_late_finds_its_place() {
    let now = Instant::now();
    let mut history = history(256, 1 << 20);
    for number in (0..200).filter(|number| number % 10 != 4) {
        history.insert(now, number, 0, false, 0, &payload(number, 300));
    }
    for number in (0..200).filter(|number| number % 10 == 4) {
        assert!(history.insert(now, number, 0, false, 0, &payload(number, 300)));
    }
    for number in 0..200 {
        assert_eq!(history.get(now, number).expect("kept").payload, payload(number, 300));
    }
}

#[test]
fn memory_follows_the_source_and_then_stands_still() {
    let start = Instant::now();
    let mut sound = history(1024, 2 << 20);
    for number in 0..500 {
        sound.insert(start + Duration::from_millis(20) * number, u64::from(number), 0, false, 0, &[1; 80]);
    }
    assert!(sound.memory() < 32 << 10, "{}", sound.memory());
    let mut picture = history(1024, 2 << 20);
    let mut settled = 0;
    for number in 0..6000_u32 {
        picture.insert(start + Duration::from_millis(4) * number, u64::from(number), 0, false, 0, &[1; 1100]);
        if number == 1500 {
            settled = picture.memory();
        }
    }
    assert_eq!(picture.memory(), settled);
    assert!(settled < 1300 << 10, "{settled}");
}

/// Everything ever put in, asked for after every step, whatever the sizes and the order: what comes back is what was
/// put in, and the newest is always there.
#[test]
fn whatever_is_put_in_nothing_false_comes_out() {
    let start = Instant::now();
    let mut random = crate::wire::hostile::Arbitrary::new(11);
    for _ in 0..20 {
        let mut history = history(64 << random.below(4), 20_000);
        let mut now = start;
        let mut number = 1_u64 << 16;
        for step in 0..3000 {
            now += Duration::from_micros(random.below(8000));
            number += 1 + u64::from(random.below(20) == 0) * random.below(400);
            let chosen = if random.below(8) == 0 { number - random.below(300) } else { number };
            let len = if random.below(30) == 0 { 9000 } else { random.below(1200) as usize };
            let kept = history.insert(now, chosen, chosen as u32, false, 7, &payload(chosen, len));
            assert!(kept || chosen != number || step == 0);
            if kept {
                assert_eq!(history.get(now, chosen).expect("just put in").payload, payload(chosen, len));
            }
            let asked = number - random.below(500);
            if let Some(found) = history.get(now, asked) {
                assert_eq!((found.number, found.timestamp), (asked, asked as u32));
                assert_eq!(found.payload, payload(asked, found.payload.len()));
                assert!(now - found.at <= Duration::from_secs(2));
            }
        }
    }
}
