//! The promises of the connection's life, in virtual time.

use super::*;

struct Lab {
    life: Life,
    now: Instant,
}

impl Lab {
    fn new() -> Self {
        let now = Instant::now();
        Self { life: Life::new(now, 42), now }
    }

    fn joined() -> Self {
        let mut lab = Self::new();
        lab.actions();
        lab.input(Input::SocketOpen(1));
        lab.input(Input::Joined(1));
        lab.input(Input::PathUp);
        assert_eq!(lab.life.phase(), &Phase::Joined);
        lab
    }

    fn actions(&mut self) -> Vec<Action> {
        std::iter::from_fn(|| self.life.poll()).collect()
    }

    fn input(&mut self, input: Input) -> Vec<Action> {
        self.life.handle(self.now, input);
        self.actions()
    }

    fn pass(&mut self, time: Duration) -> Vec<Action> {
        let until = self.now + time;
        let mut actions = Vec::new();
        while let Some(due) = self.life.deadline().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            self.life.tick(self.now);
            actions.extend(self.actions());
        }
        self.now = until;
        actions
    }

    /// Lets time pass until a socket is opened, and gives it with all actions until then.
    fn next_socket(&mut self) -> (SocketId, Vec<Action>) {
        let start = self.now;
        let mut actions = Vec::new();
        loop {
            let due = self.life.deadline().expect("something is planned");
            self.now = self.now.max(due);
            self.life.tick(self.now);
            actions.extend(self.actions());
            assert!(self.now - start <= RESTART_PATIENCE + LONGEST_WAIT, "nothing was opened: {actions:?}");
            if let Some(id) = Self::opened(&actions) {
                return (id, actions);
            }
        }
    }

    fn opened(actions: &[Action]) -> Option<SocketId> {
        actions.iter().find_map(|action| match action {
            Action::Open(id) => Some(*id),
            _ => None,
        })
    }
}

fn is_reconnecting(life: &Life) -> bool {
    matches!(life.phase(), Phase::Reconnecting { .. })
}

#[test]
fn a_first_join_goes_socket_join_joined() {
    let mut lab = Lab::new();
    assert_eq!(lab.actions(), [Action::Phase(Phase::Connecting), Action::Open(1)]);
    assert_eq!(lab.input(Input::SocketOpen(1)), [Action::Join { socket: 1, fresh_transport: false }]);
    assert_eq!(lab.input(Input::Joined(1)), [Action::Phase(Phase::Joined)]);
    assert_eq!(lab.life.socket(), Some(1));
    assert_eq!(lab.input(Input::PathUp), []);
    assert_eq!(lab.life.deadline(), None);
}

#[test]
fn a_first_join_that_finds_no_server_ends_with_the_reason() {
    let mut lab = Lab::new();
    lab.actions();
    let actions = lab.input(Input::SocketFailed(1, "refused".into()));
    assert_eq!(actions, [Action::Phase(Phase::Ended(Ending::Unreachable("refused".into())))]);
    assert!(lab.pass(Duration::from_secs(60)).is_empty());
}

#[test]
fn a_first_join_that_is_refused_ends_with_the_code() {
    let mut lab = Lab::new();
    lab.actions();
    lab.input(Input::SocketOpen(1));
    let refused = Input::Refused { socket: 1, code: ErrorCode::RoomNotFound, message: "no such room".into() };
    let actions = lab.input(refused);
    let ending = Ending::Refused(ErrorCode::RoomNotFound, "no such room".into());
    assert_eq!(actions, [Action::Phase(Phase::Ended(ending))]);
}

#[test]
fn a_silent_path_restarts_ice_over_the_living_socket() {
    let mut lab = Lab::joined();
    let actions = lab.input(Input::PathDown(Trouble::MediaSilent));
    assert!(matches!(actions[0], Action::Phase(Phase::Reconnecting { .. })));
    assert_eq!(actions[1], Action::Restart(1));
    assert_eq!(lab.input(Input::Restarted), []);
    assert_eq!(lab.input(Input::PathUp), [Action::Phase(Phase::Joined)]);
}

#[test]
fn a_path_that_is_quiet_for_a_moment_is_restarted_and_nobody_is_troubled() {
    let mut lab = Lab::joined();
    assert_eq!(lab.input(Input::PathQuiet), [Action::Restart(1)]);
    assert_eq!(lab.input(Input::PathQuiet), [], "once is enough");
    assert_eq!(lab.input(Input::Restarted), []);
    assert_eq!(lab.input(Input::PathUp), []);
    assert_eq!(lab.input(Input::PathQuiet), [Action::Restart(1)], "another time, another restart");
}

#[test]
fn a_path_that_stays_quiet_is_told_and_not_restarted_twice_at_a_time() {
    let mut lab = Lab::joined();
    lab.input(Input::PathQuiet);
    let actions = lab.input(Input::PathDown(Trouble::MediaSilent));
    assert!(matches!(actions[..], [Action::Phase(Phase::Reconnecting { .. })]), "{actions:?}");
    assert_eq!(lab.input(Input::PathDown(Trouble::MediaSilent)), []);
    assert_eq!(lab.input(Input::Restarted), []);
    assert_eq!(lab.input(Input::PathUp), [Action::Phase(Phase::Joined)]);
}

#[test]
fn a_restart_that_brings_no_packets_is_repeated() {
    let mut lab = Lab::joined();
    lab.input(Input::PathDown(Trouble::MediaSilent));
    lab.input(Input::Restarted);
    let actions = lab.pass(PATH_PATIENCE);
    assert_eq!(actions, [Action::Restart(1)]);
    assert!(is_reconnecting(&lab.life));
}

#[test]
fn a_restart_nobody_answers_opens_a_second_socket_and_keeps_the_first() {
    let mut lab = Lab::joined();
    lab.input(Input::PathDown(Trouble::MediaSilent));
    let (id, actions) = lab.next_socket();
    assert!(!actions.contains(&Action::Drop(1)));
    assert_eq!(lab.input(Input::SocketOpen(id)), [Action::Resume(id)]);
    let actions = lab.input(Input::Joined(id));
    assert_eq!(actions, [Action::Drop(1)], "the old socket goes only now");
    assert_eq!(lab.input(Input::PathUp), [Action::Phase(Phase::Joined)]);
}

#[test]
fn an_old_socket_that_speaks_again_calls_the_new_one_off() {
    let mut lab = Lab::joined();
    lab.input(Input::PathDown(Trouble::MediaSilent));
    let (id, _) = lab.next_socket();
    lab.input(Input::PathUp);
    let actions = lab.input(Input::SocketSpoke(1));
    assert_eq!(actions, [Action::Drop(id), Action::Phase(Phase::Joined)]);
    assert!(lab.pass(Duration::from_secs(30)).is_empty());
}

#[test]
fn a_restart_whose_answer_comes_late_is_not_asked_for_twice() {
    let mut lab = Lab::joined();
    lab.input(Input::PathDown(Trouble::MediaSilent));
    lab.next_socket();
    assert!(!lab.input(Input::SocketSpoke(1)).contains(&Action::Restart(1)));
    assert_eq!(lab.input(Input::Restarted), []);
    assert_eq!(lab.input(Input::PathUp), [Action::Phase(Phase::Joined)]);
}

#[test]
fn a_restart_that_was_lost_is_asked_for_again_when_the_socket_lives() {
    let mut lab = Lab::joined();
    lab.input(Input::PathDown(Trouble::MediaSilent));
    lab.next_socket();
    lab.input(Input::SocketSpoke(1));
    assert_eq!(lab.pass(LATE_ANSWER_PATIENCE), [Action::Restart(1)]);
}

#[test]
fn a_lost_socket_is_replaced_and_the_call_resumed() {
    let mut lab = Lab::joined();
    lab.input(Input::SocketClosed(1));
    assert!(is_reconnecting(&lab.life));
    assert_eq!(lab.next_socket(), (2, vec![Action::Open(2)]));
    assert_eq!(lab.input(Input::SocketOpen(2)), [Action::Resume(2)]);
    lab.input(Input::Joined(2));
    assert!(is_reconnecting(&lab.life), "not joined before packets come");
    assert_eq!(lab.input(Input::PathUp), [Action::Phase(Phase::Joined)]);
}

#[test]
fn a_server_that_stops_in_good_order_is_named_as_the_reason_and_looked_for_again() {
    let mut lab = Lab::joined();
    let told = lab.input(Input::ServerStopped(1));
    let since = lab.now;
    assert_eq!(told, [Action::Phase(Phase::Reconnecting { since, why: Trouble::ServerStopped })]);
    let (id, _) = lab.next_socket();
    lab.input(Input::SocketFailed(id, "refused".into()));
    assert!(
        matches!(lab.life.phase(), Phase::Reconnecting { why: Trouble::ServerStopped, .. }),
        "a try that failed does not change the reason"
    );
}

#[test]
fn a_session_that_is_gone_is_joined_anew_on_the_same_socket_with_a_new_transport() {
    let mut lab = Lab::joined();
    lab.input(Input::SocketClosed(1));
    lab.next_socket();
    lab.input(Input::SocketOpen(2));
    let gone = Input::Refused { socket: 2, code: ErrorCode::SessionGone, message: "gone".into() };
    assert_eq!(lab.input(gone), [Action::Join { socket: 2, fresh_transport: true }]);
    lab.input(Input::Joined(2));
    assert_eq!(lab.input(Input::PathUp), [Action::Phase(Phase::Joined)]);
}

#[test]
fn a_server_that_is_gone_is_tried_forever_at_most_three_seconds_apart() {
    let mut lab = Lab::joined();
    lab.input(Input::SocketClosed(1));
    let mut last = lab.now;
    for _ in 0..200 {
        let (id, _) = lab.next_socket();
        assert!(lab.now - last <= LONGEST_WAIT);
        last = lab.now;
        lab.input(Input::SocketFailed(id, "refused".into()));
        assert!(is_reconnecting(&lab.life));
    }
}

#[test]
fn attempts_that_hang_are_given_up_and_repeated() {
    let mut lab = Lab::joined();
    lab.input(Input::SocketClosed(1));
    let actions = lab.pass(Duration::from_secs(60));
    let opened = actions.iter().filter(|action| matches!(action, Action::Open(_))).count();
    assert!((10..=60).contains(&opened), "{opened} attempts in a minute");
    let dropped = actions.iter().filter(|action| matches!(action, Action::Drop(_))).count();
    assert!(opened - dropped <= 1, "at most one socket is tried at a time");
}

#[test]
fn a_member_the_server_timed_out_joins_again_by_itself() {
    let mut lab = Lab::joined();
    let actions = lab.input(Input::Ended(1, LeaveReason::TimedOut));
    assert!(matches!(actions[0], Action::Phase(Phase::Reconnecting { .. })));
    let (id, _) = lab.next_socket();
    assert_eq!(lab.input(Input::SocketOpen(id)), [Action::Join { socket: id, fresh_transport: true }]);
}

#[test]
fn a_removed_member_stays_out() {
    let mut lab = Lab::joined();
    let actions = lab.input(Input::Ended(1, LeaveReason::Removed));
    assert!(actions.contains(&Action::Phase(Phase::Ended(Ending::Left(LeaveReason::Removed)))));
    assert!(lab.pass(Duration::from_secs(60)).is_empty());
}

#[test]
fn a_member_removed_while_the_answer_is_still_being_applied_stays_out() {
    let mut lab = Lab::new();
    lab.actions();
    lab.input(Input::SocketOpen(1));
    let actions = lab.input(Input::Ended(1, LeaveReason::Removed));
    assert_eq!(actions, [Action::Phase(Phase::Ended(Ending::Left(LeaveReason::Removed)))]);
    assert_eq!(lab.input(Input::Joined(1)), []);
}

#[test]
fn joining_anew_is_not_taken_for_being_replaced_by_somebody_else() {
    let mut lab = Lab::joined();
    lab.input(Input::TransportGone(Trouble::MediaClosed));
    let (id, _) = lab.next_socket();
    lab.input(Input::SocketOpen(id));
    assert_eq!(lab.input(Input::Ended(1, LeaveReason::Replaced)), []);
    lab.input(Input::Joined(id));
    assert_eq!(lab.input(Input::Ended(1, LeaveReason::Replaced)), []);
    assert_eq!(lab.input(Input::PathUp), [Action::Phase(Phase::Joined)]);
    let actions = lab.input(Input::Ended(id, LeaveReason::Replaced));
    assert_eq!(actions, [Action::Phase(Phase::Ended(Ending::Left(LeaveReason::Replaced)))]);
}

#[test]
fn attempts_that_hang_are_no_further_apart_than_others() {
    let mut lab = Lab::joined();
    lab.input(Input::SocketClosed(1));
    lab.next_socket();
    let mut last = lab.now;
    for _ in 0..50 {
        lab.next_socket();
        assert!(lab.now - last <= LONGEST_WAIT, "{:?}", lab.now - last);
        last = lab.now;
    }
}

#[test]
fn a_closed_transport_means_a_full_join_even_when_the_socket_is_well() {
    let mut lab = Lab::joined();
    lab.input(Input::TransportGone(Trouble::MediaClosed));
    assert!(is_reconnecting(&lab.life));
    let (id, _) = lab.next_socket();
    assert_eq!(lab.input(Input::SocketOpen(id)), [Action::Join { socket: id, fresh_transport: true }]);
    assert_eq!(lab.input(Input::Joined(id)), [Action::Drop(1)]);
}

#[test]
fn a_full_room_after_a_restart_is_tried_again_a_foreign_token_is_not() {
    let mut lab = Lab::joined();
    lab.input(Input::SocketClosed(1));
    lab.next_socket();
    lab.input(Input::SocketOpen(2));
    lab.input(Input::Refused { socket: 2, code: ErrorCode::Draining, message: "stopping".into() });
    assert!(is_reconnecting(&lab.life));
    assert_eq!(lab.next_socket().0, 3);
    lab.input(Input::SocketOpen(3));
    lab.input(Input::Refused { socket: 3, code: ErrorCode::TokenForeign, message: "another room".into() });
    assert!(matches!(lab.life.phase(), Phase::Ended(Ending::Refused(ErrorCode::TokenForeign, _))));
}

#[test]
fn a_newcomer_to_a_full_or_draining_server_is_told_so_in_the_servers_words() {
    for code in [ErrorCode::ServerFull, ErrorCode::Draining] {
        let mut lab = Lab::new();
        lab.actions();
        lab.input(Input::SocketOpen(1));
        let message = "Try again in a few minutes.".to_owned();
        lab.input(Input::Refused { socket: 1, code, message: message.clone() });
        assert!(
            matches!(lab.life.phase(), Phase::Ended(Ending::Refused(why, text)) if (*why, text) == (code, &message))
        );
    }
}

#[test]
fn leaving_ends_everything_at_once() {
    let mut lab = Lab::joined();
    lab.input(Input::SocketClosed(1));
    lab.life.leave();
    assert!(matches!(lab.actions().last(), Some(Action::Phase(Phase::Ended(Ending::Left(LeaveReason::Left))))));
    assert!(lab.pass(Duration::from_secs(60)).is_empty());
    assert!(lab.input(Input::SocketOpen(2)).is_empty());
}

#[test]
fn a_first_path_that_never_comes_is_said_and_retried() {
    let mut lab = Lab::new();
    lab.actions();
    lab.input(Input::SocketOpen(1));
    lab.input(Input::Joined(1));
    let actions = lab.pass(FIRST_PATH_PATIENCE);
    assert!(matches!(&actions[0], Action::Phase(Phase::Reconnecting { why: Trouble::UdpBlocked, .. })));
    assert_eq!(actions[1], Action::Restart(1));
}

#[test]
fn a_quiet_socket_over_a_living_path_is_replaced_without_the_media_noticing() {
    let mut lab = Lab::joined();
    lab.input(Input::SocketQuiet(1));
    let (id, actions) = lab.next_socket();
    assert!(!actions.iter().any(|action| matches!(action, Action::Restart(_))));
    assert_eq!(lab.input(Input::SocketOpen(id)), [Action::Resume(id)]);
}

#[test]
fn a_call_that_is_well_grows_one_offer_at_a_time() {
    let mut lab = Lab::joined();
    assert_eq!(lab.input(Input::SlotsWanted), [Action::Grow(1)]);
    assert_eq!(lab.input(Input::SlotsWanted), [], "one at a time");
    assert_eq!(lab.input(Input::GrowthOver), []);
    assert_eq!(lab.life.phase(), &Phase::Joined);
    assert_eq!(lab.input(Input::SlotsWanted), [Action::Grow(1)]);
    assert_eq!(lab.pass(GROWTH_PATIENCE), [], "an offer nobody answers is no trouble");
    assert_eq!(lab.life.phase(), &Phase::Joined);
    assert_eq!(lab.life.deadline(), None);
}

#[test]
fn nothing_grows_while_the_socket_or_the_path_is_not_well() {
    let mut lab = Lab::new();
    lab.actions();
    assert_eq!(lab.input(Input::SlotsWanted), []);
    lab.input(Input::SocketOpen(1));
    lab.input(Input::Joined(1));
    assert_eq!(lab.input(Input::SlotsWanted), [], "the first path is awaited");
    lab.input(Input::PathUp);
    assert_eq!(lab.input(Input::PathQuiet), [Action::Restart(1)]);
    assert_eq!(lab.input(Input::SlotsWanted), []);
    lab.input(Input::PathUp);
    assert_eq!(lab.input(Input::SlotsWanted), [], "the restart is not answered yet, whatever comes over the old path");
    lab.input(Input::Restarted);
    lab.input(Input::SocketQuiet(1));
    assert_eq!(lab.input(Input::SlotsWanted), [], "the socket is suspect");
    let (second, _) = lab.next_socket();
    lab.input(Input::SocketOpen(second));
    lab.input(Input::SocketSpoke(1));
    assert_eq!(lab.input(Input::SlotsWanted), [], "a resume is under way");
    lab.input(Input::Joined(second));
    lab.input(Input::PathUp);
    assert_eq!(lab.input(Input::SlotsWanted), [Action::Grow(second)]);
}

#[test]
fn a_path_that_fails_while_the_call_grows_is_restarted_behind_the_answer() {
    let mut lab = Lab::joined();
    lab.input(Input::SlotsWanted);
    assert_eq!(lab.input(Input::PathQuiet), [], "not beside the other offer");
    let actions = lab.input(Input::PathDown(Trouble::MediaSilent));
    assert!(matches!(actions[..], [Action::Phase(Phase::Reconnecting { .. })]), "{actions:?}");
    assert_eq!(lab.input(Input::GrowthOver), [Action::Restart(1)]);
    lab.input(Input::Restarted);
    assert_eq!(lab.input(Input::PathUp), [Action::Phase(Phase::Joined)]);
}

#[test]
fn a_growth_nobody_answers_holds_a_restart_up_for_two_seconds_at_most() {
    let mut lab = Lab::joined();
    lab.input(Input::SlotsWanted);
    lab.input(Input::PathDown(Trouble::MediaSilent));
    assert_eq!(lab.pass(GROWTH_PATIENCE - Duration::from_millis(1)), []);
    assert_eq!(lab.pass(Duration::from_millis(1)), [Action::Restart(1)]);
    assert_eq!(lab.input(Input::GrowthOver), [], "too late to matter");
}

#[test]
fn a_socket_that_closes_ends_the_growth_and_the_call_resumes() {
    let mut lab = Lab::joined();
    lab.input(Input::SlotsWanted);
    lab.input(Input::SocketClosed(1));
    assert!(!lab.life.is_growing());
    let (second, _) = lab.next_socket();
    assert_eq!(lab.input(Input::SocketOpen(second)), [Action::Resume(second)]);
}

#[test]
fn who_does_not_want_to_wait_tries_now_and_once() {
    let mut lab = Lab::joined();
    lab.input(Input::SocketClosed(1));
    let (id, _) = lab.next_socket();
    lab.input(Input::SocketFailed(id, "refused".into()));
    let actions = lab.input(Input::RetryNow);
    assert_eq!(Lab::opened(&actions), Some(id + 1), "{actions:?}");
    assert_eq!(lab.input(Input::RetryNow), [], "one attempt is under way");
    lab.input(Input::SocketOpen(id + 1));
    lab.input(Input::Joined(id + 1));
    lab.input(Input::PathUp);
    assert_eq!(lab.input(Input::RetryNow), [], "nothing is waited for");
}
