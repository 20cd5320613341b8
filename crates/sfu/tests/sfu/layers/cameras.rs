use std::time::Duration;

use confab_protocol::{Layer, SourceKind};

use super::film::{Call, Kind};

const SECOND: Duration = Duration::from_secs(1);
const SVC: [Kind; 3] = [Kind::Vp9, Kind::Vp9KeySvc, Kind::Av1];

#[test]
fn tiles_of_three_sizes_get_three_sizes_of_one_stream_with_all_pictures() {
    for kind in SVC {
        let mut call = Call::begin(kind, SourceKind::Camera, 3);
        for (receiver, height) in [(1, 180), (2, 360), (3, 720)] {
            call.view(receiver, height);
        }
        call.run(SECOND * 4);
        for (receiver, spatial, name) in [(1, 0, Layer::Quarter), (2, 1, Layer::Half), (3, 2, Layer::Full)] {
            let (rate, shown) = call.lately(receiver, SECOND * 2);
            assert_eq!(shown, spatial, "{kind:?}, receiver {receiver}");
            assert!(rate > 29.0, "{kind:?}, receiver {receiver}: {rate} pictures a second");
            assert_eq!(call.told(receiver), Some(name), "{kind:?}");
        }
    }
}

#[test]
fn a_tile_that_grows_and_shrinks_gets_its_size_with_one_keyframe_and_the_other_receiver_keeps_his() {
    for kind in SVC {
        let mut call = Call::begin(kind, SourceKind::Camera, 2);
        call.view(1, 180);
        call.view(2, 720);
        call.run(SECOND * 3);
        assert_eq!((call.lately(1, SECOND).1, call.lately(2, SECOND).1), (0, 2), "{kind:?}");
        let before = call.keyframes;
        call.view(1, 720);
        call.run(SECOND * 2);
        assert_eq!(call.lately(1, SECOND).1, 2, "{kind:?}");
        assert_eq!(call.told(1), Some(Layer::Full), "{kind:?}");
        assert!(call.keyframes <= before + 1, "{kind:?}: {} keyframes", call.keyframes - before);
        call.view(1, 180);
        call.run(SECOND * 2);
        assert_eq!(call.lately(1, SECOND).1, 0, "{kind:?}");
        assert_eq!(call.lately(2, SECOND * 5).1, 2, "{kind:?}");
        assert!(call.keyframes <= before + 1, "{kind:?}: {} keyframes to go down", call.keyframes - before);
        let least = call.lately(2, SECOND * 6).0;
        assert!(least > 29.0, "{kind:?}: {least} pictures a second for the other");
    }
}

#[test]
fn a_sender_that_stops_its_largest_size_is_followed_without_a_storm_of_keyframes() {
    for kind in [Kind::Vp9, Kind::Vp9KeySvc] {
        let mut call = Call::begin(kind, SourceKind::Camera, 2);
        call.view(1, 720);
        call.view(2, 180);
        call.run(SECOND * 2);
        call.most_spatial = 1;
        call.run(SECOND * 3);
        assert_eq!(call.lately(1, SECOND).1, 1, "{kind:?}");
        // Who wants more now cannot get what nobody sends: one keyframe for what there is, and no more.
        let before = call.keyframes;
        call.view(2, 720);
        call.run(SECOND * 4);
        assert_eq!((call.lately(2, SECOND).1, call.told(2)), (1, Some(Layer::Half)), "{kind:?}");
        assert_eq!(call.keyframes, before + 1, "{kind:?}");
        // A size that comes back comes with a keyframe.
        (call.most_spatial, call.stream.wants_key) = (7, true);
        call.run(SECOND * 3);
        for receiver in [1, 2] {
            let (rate, spatial) = call.lately(receiver, SECOND);
            assert!(spatial == 2 && rate > 28.0, "{kind:?}, receiver {receiver}: {rate} of {spatial}");
        }
    }
}
