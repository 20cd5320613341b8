//! The permission table: which grant each action needs. What stands in no row needs none (leaving, ending one's own
//! track, muting oneself, reading what is said to all).

use confab_protocol::{Grants, SourceKind};

/// What a person may need a right for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// Send a track of this source.
    Publish(SourceKind),
    /// Receive pictures of others.
    Watch,
    /// Write in the chat.
    WriteChat,
    /// Raise a hand, or react.
    RaiseHand,
    /// Give out join tokens for the room.
    Invite,
}

/// Whether somebody with these grants may do that.
pub fn allows(grants: &Grants, action: Action) -> bool {
    match action {
        Action::Publish(SourceKind::Microphone | SourceKind::Camera) => grants.publish,
        Action::Publish(SourceKind::Screen | SourceKind::ScreenAudio) => grants.share_screen,
        Action::Watch => grants.subscribe,
        Action::WriteChat => grants.chat,
        Action::RaiseHand => grants.hand,
        Action::Invite => grants.moderate,
    }
}

/// The sentence for a refusal.
pub fn refusal(action: Action) -> &'static str {
    match action {
        Action::Publish(SourceKind::Microphone | SourceKind::Camera) => {
            "You take part in this meeting without microphone and camera. Ask the host to change your role."
        }
        Action::Publish(SourceKind::Screen | SourceKind::ScreenAudio) => {
            "You may not share a screen in this meeting. Ask the host to make you a presenter."
        }
        Action::Watch => "You may not receive pictures in this meeting.",
        Action::WriteChat => "You may not write in this meeting's chat.",
        Action::RaiseHand => "You may not raise a hand or react in this meeting.",
        Action::Invite => "Only a host may give out tokens for this meeting.",
    }
}

#[cfg(test)]
mod tests {
    use confab_protocol::Role;

    use super::*;

    const ACTIONS: [Action; 8] = [
        Action::Publish(SourceKind::Microphone),
        Action::Publish(SourceKind::Camera),
        Action::Publish(SourceKind::Screen),
        Action::Publish(SourceKind::ScreenAudio),
        Action::Watch,
        Action::WriteChat,
        Action::RaiseHand,
        Action::Invite,
    ];

    #[test]
    fn without_grants_nothing_is_allowed() {
        for action in ACTIONS {
            assert!(!allows(&Grants::default(), action), "{action:?}");
            assert!(refusal(action).ends_with('.'));
        }
    }

    #[test]
    fn every_role_may_do_what_the_table_says() {
        let row = |role: Role| ACTIONS.map(|action| allows(&role.grants(), action));
        assert_eq!(row(Role::Host), [true; 8]);
        assert_eq!(row(Role::CoHost), [true; 8]);
        let participant = [true, true, true, true, true, true, true, false];
        assert_eq!(row(Role::Presenter), participant);
        assert_eq!(row(Role::Participant), participant);
        assert_eq!(row(Role::Viewer), [false, false, false, false, true, true, true, false]);
    }
}
