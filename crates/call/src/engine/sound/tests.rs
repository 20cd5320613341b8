//! The promises of the keeper, on devices that fail when told to.

use std::cell::RefCell;

use super::*;

#[derive(Clone, PartialEq, Debug, Default)]
enum Choice {
    #[default]
    Default,
    Device(&'static str),
    File,
}

/// What a stream of the lab ends with.
#[derive(Clone, Copy)]
enum Failure {
    Over,
    Stalled,
    /// There is no device at all.
    NoneThere,
}

impl Display for Failure {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("It failed.")
    }
}

struct Stream {
    name: &'static str,
    problems: Receiver<Failure>,
}

#[derive(Default)]
struct Lab {
    /// Devices that are there.
    there: RefCell<Vec<&'static str>>,
    opened: RefCell<Vec<&'static str>>,
}

impl Device for Lab {
    type Choice = Choice;
    type Stream = Stream;
    type Error = Failure;

    const KIND: MediaDevice = MediaDevice::Microphone;
    const REPLACED: &str = "Replaced.";
    const LOST: &str = "Lost.";

    fn open(&self, choice: &Choice) -> Result<Option<Stream>, Failure> {
        let there = self.there.borrow();
        let name = match choice {
            Choice::Default => there.first().copied(),
            Choice::Device(name) => there.iter().find(|known| *known == name).copied(),
            Choice::File => None,
        };
        let name = name.ok_or(Failure::Over)?;
        self.opened.borrow_mut().push(name);
        Ok(Some(Stream { name, problems: never() }))
    }

    fn is_replaceable(choice: &Choice) -> bool {
        *choice != Choice::File
    }

    fn is_default(choice: &Choice) -> bool {
        *choice == Choice::Default
    }

    fn is_over(error: &Failure) -> bool {
        matches!(error, Failure::Over)
    }

    fn find(&self, id: &str) -> Option<Choice> {
        self.there.borrow().iter().find(|known| **known == id).map(|known| Choice::Device(known))
    }

    fn without(&self) -> Option<Stream> {
        None
    }

    fn name(stream: &Stream) -> &str {
        stream.name
    }

    /// Names are told apart here.
    fn id(stream: &Stream) -> &str {
        stream.name
    }

    fn problems(stream: &Stream) -> &Receiver<Failure> {
        &stream.problems
    }

    fn says_all(error: &Failure) -> bool {
        matches!(error, Failure::NoneThere)
    }

    fn reason(_error: &Failure) -> ProblemReason {
        ProblemReason::Lost
    }
}

/// A keeper of these devices with this choice, and what it tells.
fn keeper(there: &[&'static str], choice: Choice) -> (Keeper<Lab>, Receiver<SoundNotice>) {
    let (sender, told) = unbounded();
    let notice: Arc<Notice> = Arc::new(move |notice| drop(sender.send(notice)));
    let mut keeper = Keeper::new(Lab::default(), notice);
    keeper.device.there.borrow_mut().extend_from_slice(there);
    keeper.choose(choice);
    (keeper, told)
}

fn running(keeper: &Keeper<Lab>) -> Option<&'static str> {
    keeper.stream.as_ref().map(|stream| stream.name)
}

fn messages(told: &Receiver<SoundNotice>) -> Vec<String> {
    let message = |notice| match notice {
        SoundNotice::Problem { message, .. } => Some(message),
        SoundNotice::Restored { name, .. } => Some(format!("{name} is back.")),
        SoundNotice::Microphone { .. } => None,
    };
    told.try_iter().filter_map(message).collect()
}

#[test]
fn a_device_whose_stream_ended_is_opened_again_without_a_word() {
    let (mut keeper, told) = keeper(&["Built-in", "Headset"], Choice::Device("Headset"));
    keeper.failed(&Failure::Over);
    assert_eq!(running(&keeper), Some("Headset"));
    assert_eq!(messages(&told), [""; 0]);
}

#[test]
fn where_no_device_is_at_all_none_is_offered_to_be_chosen() {
    let (mut keeper, told) = keeper(&["Built-in"], Choice::Default);
    keeper.device.there.borrow_mut().clear();
    keeper.failed(&Failure::NoneThere);
    assert_eq!(running(&keeper), None);
    assert_eq!(messages(&told), ["It failed."]);
}

#[test]
fn a_device_that_ends_again_and_again_is_replaced_and_the_person_told() {
    let (mut keeper, told) = keeper(&["Built-in", "Headset"], Choice::Device("Headset"));
    for _ in 0..3 {
        keeper.failed(&Failure::Over);
    }
    assert_eq!(running(&keeper), Some("Built-in"));
    assert_eq!(messages(&told), ["It failed. Replaced."]);
}

#[test]
fn a_device_that_does_nothing_is_replaced_at_once() {
    let (mut keeper, told) = keeper(&["Built-in", "Headset"], Choice::Device("Headset"));
    keeper.failed(&Failure::Stalled);
    assert_eq!(running(&keeper), Some("Built-in"));
    assert_eq!(messages(&told), ["It failed. Replaced."]);
}

#[test]
fn a_device_that_was_unplugged_is_replaced_by_the_default_one() {
    let (mut keeper, told) = keeper(&["Headset", "Built-in"], Choice::Device("Headset"));
    keeper.device.there.borrow_mut().remove(0);
    keeper.failed(&Failure::Over);
    assert_eq!(running(&keeper), Some("Built-in"));
    assert_eq!(messages(&told), ["It failed. Replaced."]);
}

#[test]
fn a_file_that_cannot_be_read_puts_no_microphone_on_air() {
    let (keeper, told) = keeper(&["Built-in"], Choice::File);
    assert_eq!(running(&keeper), None);
    assert_eq!(*keeper.device.opened.borrow(), [""; 0]);
    assert_eq!(messages(&told), ["It failed. Lost."]);
}

#[test]
fn without_any_device_the_person_is_told_so() {
    let (keeper, told) = keeper(&[], Choice::Default);
    assert_eq!(running(&keeper), None);
    assert_eq!(messages(&told), ["It failed. Lost."]);
}

#[test]
fn a_device_that_was_taken_away_is_used_again_when_it_is_back() {
    let (mut keeper, told) = keeper(&["Built-in", "Headset"], Choice::Device("Headset"));
    keeper.device.there.borrow_mut().pop();
    keeper.failed(&Failure::Over);
    assert_eq!(running(&keeper), Some("Built-in"));
    keeper.look_for_lost();
    assert_eq!(running(&keeper), Some("Built-in"), "it is not back yet");
    keeper.device.there.borrow_mut().push("Headset");
    keeper.look_for_lost();
    assert_eq!(running(&keeper), Some("Headset"));
    assert_eq!(messages(&told), ["It failed. Replaced.", "Headset is back."]);
}

#[test]
fn a_device_that_stalls_is_not_waited_for_but_one_whose_stand_in_goes_too_is() {
    let (mut stalled, told) = keeper(&["Built-in", "Headset"], Choice::Device("Headset"));
    stalled.failed(&Failure::Stalled);
    stalled.look_for_lost();
    assert_eq!((running(&stalled), messages(&told)), (Some("Built-in"), vec!["It failed. Replaced.".to_owned()]));

    let (mut keeper, _told) = keeper(&["Built-in", "Headset"], Choice::Device("Headset"));
    keeper.device.there.borrow_mut().pop();
    keeper.failed(&Failure::Over);
    keeper.device.there.borrow_mut().clear();
    keeper.failed(&Failure::Over);
    assert_eq!(running(&keeper), None);
    keeper.device.there.borrow_mut().extend(["Built-in", "Headset"]);
    keeper.look_for_lost();
    assert_eq!(running(&keeper), Some("Headset"));
}

#[test]
fn another_device_than_the_one_that_was_taken_away_is_not_used_by_itself() {
    let (mut keeper, _told) = keeper(&["Headset"], Choice::Default);
    keeper.device.there.borrow_mut().clear();
    keeper.failed(&Failure::Over);
    assert_eq!(running(&keeper), None);
    keeper.device.there.borrow_mut().push("Webcam");
    keeper.look_for_lost();
    assert_eq!(running(&keeper), None);
    keeper.device.there.borrow_mut().push("Headset");
    keeper.look_for_lost();
    assert_eq!(running(&keeper), Some("Headset"));
    keeper.choose(Choice::Device("Webcam"));
    keeper.device.there.borrow_mut().pop();
    keeper.look_for_lost();
    assert_eq!(running(&keeper), Some("Webcam"), "what a person chose since then stays");
}
